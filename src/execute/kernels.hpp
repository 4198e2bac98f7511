#pragma once

#include <functional>
#include <string>
#include <vector>

#include "execute/device.hpp"
#include "graph/window.hpp"

/// oneDNN's kernels on this processor, as it names them itself.
namespace gainsweep::execute {

/// What oneDNN prints about the primitives it makes and runs during `work`.
std::string onednn_log(const std::function<void()>& work);

/// The kernel of the first matrix product that such a log says was run; empty where it tells none.
std::string product_kernel(const std::string& log);

/// The kernel of the first convolution, likewise.
std::string convolution_kernel(const std::string& log);

/// The instruction set that oneDNN uses, in its own words.
const std::string& onednn_instruction_set();

/// A convolution of images [batch, channels, height, width].
struct ConvolutionShape {
  graph::Shape images;
  graph::Shape weight;
  graph::Window window;

  auto operator<=>(const ConvolutionShape&) const = default;
};

/// Names of the kernels that ops of a shape run on in high and in int8.
struct KernelNames {
  std::string high;
  std::string int8;
};

/// Those of linear layers beside a high precision (`brg_matmul:avx512_core_vnni`).
/// Error(environment) when int8 falls to a reference kernel.
KernelNames linear_kernels(const LinearShape& shape, Precision high);

/// Those of convolutions (`brgconv_1x1:avx512_core_vnni`). Error(environment) when int8 falls to a
/// kernel without instructions for products of bytes: a reference kernel, or one that saturates
/// sums of 16 bits.
KernelNames convolution_kernels(const ConvolutionShape& shape, Precision high);

/// As Device::kernels of a convolution; none on devices whose target is not oneDNN's, or that lack
/// int8 ones.
std::vector<std::string> convolution_kernels(const Device& device, const ConvolutionShape& shape,
                                             Precision high);

}  // namespace gainsweep::execute

#pragma once

#include <functional>
#include <string>

#include "execute/device.hpp"

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

}  // namespace gainsweep::execute

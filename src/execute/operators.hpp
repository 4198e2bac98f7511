#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

/// Kernels of the project's own operators (`gainsweep::…`). They are registered by name in
/// operators.cpp, which the interpreter needs, so that a static link drops none of them.
namespace gainsweep::execute {

/// The dispatcher's operator of a graph's name, such as `aten::add.Tensor`. Error(internal) when
/// there is none.
c10::OperatorHandle find_operator(const std::string& name);

/// Throws Error(environment) naming those of the operators that this LibTorch does not have.
void require_operators(const std::vector<std::string>& names);

/// bf16 → fp32; fp32 and fp64 unchanged.
at::Tensor at_least_fp32(const at::Tensor& x);

/// 8-bit unsigned codes of an activation: clamp(round(x/scale), ±127) + zero_point. `scale` has one
/// element.
at::Tensor quantize(const at::Tensor& x, const at::Tensor& scale, std::int64_t zero_point);

/// The same at the scale of the tensor's own largest magnitude: codes and the scale (fp32, one
/// element).
std::tuple<at::Tensor, at::Tensor> quantize_dynamic(const at::Tensor& x, double backoff,
                                                    std::int64_t zero_point,
                                                    std::string_view scale_grid);

/// Signed 8-bit codes of a weight and its scales: fp32, one a row (first dimension) or one.
std::tuple<at::Tensor, at::Tensor> quantize_weight(const at::Tensor& w, double backoff,
                                                   bool per_channel, std::string_view scale_grid);

/// Codes of a weight in an 8-bit floating format, on the weight's device, and their scale: fp32,
/// one element, on the host.
std::tuple<at::Tensor, at::Tensor> encode_weight(const at::Tensor& w, std::string_view format,
                                                 double backoff, std::string_view scale_grid);

}  // namespace gainsweep::execute

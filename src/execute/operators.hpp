#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
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

/// 8-bit codes of an activation in a number format of integers: round(x/scale), clamped to its
/// range, plus zero_point. `scale` has one element. Contiguous, or in channels_last where `x` is.
at::Tensor quantize(const at::Tensor& x, const at::Tensor& scale, std::string_view format,
                    std::int64_t zero_point);

/// The same at the scale of the tensor's own largest magnitude: codes and the scale (fp32, one
/// element).
std::tuple<at::Tensor, at::Tensor> quantize_dynamic(const at::Tensor& x, std::string_view format,
                                                    double backoff, std::int64_t zero_point,
                                                    std::string_view scale_grid);

/// Signed 8-bit codes of a weight and its scales: fp32, one a row (first dimension) or one. Made on
/// the host, both are where the weight is.
std::tuple<at::Tensor, at::Tensor> quantize_weight(const at::Tensor& w, double backoff,
                                                   bool per_channel, std::string_view scale_grid,
                                                   std::string_view range);

/// Codes of a weight in an 8-bit floating format and their scales as quantize_weight has them, both
/// on the weight's device.
std::tuple<at::Tensor, at::Tensor> encode_weight(const at::Tensor& w, std::string_view format,
                                                 double backoff, bool per_channel,
                                                 std::string_view scale_grid,
                                                 std::string_view range);

/// Codes of an activation in fp8_e4m3 or fp8_e5m2, contiguous: z / scale, saturating. `scale` has
/// one element (fp32) where `z` lives. Nothing comes back to the host.
at::Tensor cast_to_fp8(const at::Tensor& z, const at::Tensor& scale, std::string_view format);

/// The same in signed 8-bit integers: clamp(round(z/scale), ±127).
at::Tensor cast_to_int8(const at::Tensor& z, const at::Tensor& scale);

/// The scale of a tensor's largest magnitude in a format, on the scale grid `arbitrary`: fp32, one
/// element, where `z` lives. Nothing comes back to the host.
at::Tensor dynamic_scale(const at::Tensor& z, std::string_view format, double backoff);

/// Sums of products of integer codes, columns times `scales` (fp32, one or one a column) plus
/// `bias`, computed in fp32 and rounded once to `type`.
at::Tensor scale_sums(const at::Tensor& sums, const at::Tensor& scales,
                      const std::optional<at::Tensor>& bias, at::ScalarType type);

}  // namespace gainsweep::execute

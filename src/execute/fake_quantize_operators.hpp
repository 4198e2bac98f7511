#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

/// Kernels of `gainsweep::fake_quantize…`: rounding to a format in the tensor's own type. Those of
/// `plain` are for any device, the others for the CPU.
namespace gainsweep::execute {

/// `z` rounded to the format at a scale of one element.
at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale);

/// `z` rounded at the scale of its own largest magnitude.
at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid);

/// A weight rounded at the scale of the largest magnitude of each row (first dimension).
at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid);

namespace plain {

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale);
at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid);
at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid);

}  // namespace plain
}  // namespace gainsweep::execute

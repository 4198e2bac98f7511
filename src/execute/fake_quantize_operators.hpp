#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
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
                                std::string_view scale_grid, std::string_view range);

/// `z` rounded block by block along `dim`, where blocks begin anew after `restart` elements if that
/// is not 0. `global` (one element) is what scales of two levels count in; left out, it follows
/// from the tensor's own largest magnitude.
at::Tensor fake_quantize_blocks(const at::Tensor& z, std::string_view format, std::int64_t dim,
                                std::int64_t restart, std::string_view scale_grid,
                                const std::optional<at::Tensor>& global);

namespace plain {

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale);
at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid);
at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid, std::string_view range);
at::Tensor fake_quantize_blocks(const at::Tensor& z, std::string_view format, std::int64_t dim,
                                std::int64_t restart, std::string_view scale_grid,
                                const std::optional<at::Tensor>& global);

}  // namespace plain
}  // namespace gainsweep::execute

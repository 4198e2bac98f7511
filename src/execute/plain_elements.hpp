#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "format/format.hpp"

/// Rounding and scales in plain ATen operators, for devices whose memory `format`'s kernels cannot
/// read. Equal to these kernels bit for bit where the device's fp32 arithmetic is IEEE's.
namespace gainsweep::execute::plain {

/// `z` in fp32, or fp64 where it is that. Refuses anything but fp32, fp64 and bf16.
at::Tensor widened(const at::Tensor& z);

/// Numbers as a tensor where `z` lives and of its type, shaped to scale its rows (one number: the
/// whole of it).
at::Tensor scales_for(const at::Tensor& z, const std::vector<float>& scales);

/// `z` (fp32 or fp64) rounded to a grid at scales that broadcast to it, as format::round_to does.
at::Tensor rounded(const format::Grid& grid, const at::Tensor& z, const at::Tensor& scale);

/// What was computed in fp32 or fp64 in the type of the operand: bf16 saturates.
at::Tensor narrowed(const at::Tensor& values, at::ScalarType type);

/// `z` of any type rounded to a grid and returned in its own type, saturating.
at::Tensor fake_quantized(const format::Grid& grid, const at::Tensor& z, const at::Tensor& scale);

float largest_magnitude(const at::Tensor& z);
std::vector<float> largest_magnitude_of_rows(const at::Tensor& w);

}  // namespace gainsweep::execute::plain

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "format/kernel.hpp"

/// The elements of tensors as spans for format's kernels. Work is cut into pieces of a fixed size,
/// so no result depends on the thread count.
namespace gainsweep::execute {

inline constexpr std::int64_t piece_elements = 16384;

/// The tensor itself where its elements fill its storage range in some order (a transposed view
/// does), else a contiguous copy.
at::Tensor dense(const at::Tensor& x);

template <class T>
std::span<const T> elements(const at::Tensor& dense) {
  return {static_cast<const T*>(dense.const_data_ptr()), static_cast<std::size_t>(dense.numel())};
}

template <class T>
std::span<T> mutable_elements(const at::Tensor& dense) {
  return {static_cast<T*>(dense.mutable_data_ptr()), static_cast<std::size_t>(dense.numel())};
}

/// Calls `body.template operator()<T>()` with the element type that format's kernels know `type`
/// by.
template <class Body>
void with_element_type(at::ScalarType type, Body body) {
  switch (type) {
    case at::kFloat:
      return body.template operator()<float>();
    case at::kDouble:
      return body.template operator()<double>();
    case at::kBFloat16:
      return body.template operator()<format::Bf16>();
    default:
      TORCH_CHECK(false, "fp32, fp64 or bf16 is needed here, not ", type);
  }
}

/// Largest magnitude of a tensor of any layout, 0 if it is empty; NaN if it holds one, else
/// infinity if it holds one.
float largest_magnitude(const at::Tensor& x);

/// The same of each slice along the first dimension.
std::vector<float> largest_magnitude_of_rows(const at::Tensor& x);

/// `x` rounded to the grid; `scales` has one entry, or one a slice along the first dimension.
at::Tensor round_tensor(const format::Grid& grid, const std::vector<float>& scales,
                        const at::Tensor& x);

}  // namespace gainsweep::execute

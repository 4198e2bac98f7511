#include "execute/probe_elements.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace gainsweep::execute {
namespace {

/// NaN beats infinity beats numbers, in any order.
float larger(float a, float b) {
  return std::isnan(a) || a > b ? a : b;
}

template <class T>
float largest(std::span<const T> values) {
  return at::parallel_reduce(
      0, static_cast<std::int64_t>(values.size()), piece_elements, 0.0F,
      [&](std::int64_t begin, std::int64_t end, float so_far) {
        const auto part =
            values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        return larger(so_far, format::largest_magnitude<T>(part));
      },
      larger);
}

/// Calls `body(row, begin, end)` for the parts of rows inside each of many pieces.
template <class Body>
void for_parts(std::int64_t num_elements, std::int64_t row_elements, Body body) {
  at::parallel_for(0, num_elements, piece_elements, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t row = begin / row_elements;
      const std::int64_t stop = std::min(end, (row + 1) * row_elements);
      body(static_cast<std::size_t>(row), static_cast<std::size_t>(begin),
           static_cast<std::size_t>(stop));
      begin = stop;
    }
  });
}

}  // namespace

at::Tensor dense(const at::Tensor& x) {
  return x.is_non_overlapping_and_dense() ? x : x.contiguous();
}

float largest_magnitude(const at::Tensor& x) {
  const at::Tensor filled = dense(x);
  float result = 0;
  with_element_type(x.scalar_type(), [&]<class T>() { result = largest(elements<T>(filled)); });
  return result;
}

std::vector<float> largest_magnitude_of_rows(const at::Tensor& x) {
  const at::Tensor rows = x.contiguous();
  std::vector<float> result(static_cast<std::size_t>(rows.size(0)));
  with_element_type(x.scalar_type(), [&]<class T>() {
    const auto values = elements<T>(rows);
    const std::size_t length = values.size() / std::max<std::size_t>(result.size(), 1);
    const auto least_rows = std::max<std::int64_t>(
        piece_elements / std::max<std::int64_t>(static_cast<std::int64_t>(length), 1), 1);
    at::parallel_for(0, rows.size(0), least_rows, [&](std::int64_t begin, std::int64_t end) {
      for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
        result[row] = format::largest_magnitude<T>(values.subspan(row * length, length));
      }
    });
  });
  return result;
}

at::Tensor round_tensor(const format::Grid& grid, const std::vector<float>& scales,
                        const at::Tensor& x) {
  const bool by_row = scales.size() > 1;
  const at::Tensor input = by_row ? x.contiguous() : dense(x);
  // Same strides as the input, so that one walk serves both.
  const at::Tensor output = at::empty_like(input);
  if (input.numel() == 0) return output;
  const auto row_elements = input.numel() / static_cast<std::int64_t>(scales.size());
  with_element_type(x.scalar_type(), [&]<class T>() {
    const auto from = elements<T>(input);
    const auto to = mutable_elements<T>(output);
    for_parts(input.numel(), row_elements,
              [&](std::size_t row, std::size_t begin, std::size_t end) {
                format::round_span<T>(grid, scales[row], from.subspan(begin, end - begin),
                                      to.subspan(begin, end - begin));
              });
  });
  return output;
}

}  // namespace gainsweep::execute

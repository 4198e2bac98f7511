#include "execute/fake_quantize_operators.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <string>

#include "execute/lines.hpp"
#include "execute/named_number.hpp"
#include "execute/plain_blocks.hpp"
#include "execute/plain_elements.hpp"
#include "execute/probe_elements.hpp"
#include "execute/row_scales.hpp"
#include "format/block.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

format::Grid grid_of(std::string_view format) {
  return format::number_by_name(std::string(format)).grid;
}

/// What the scales of blocks count in: as given, else of the tensor's own largest magnitude.
template <class Largest>
float global_of(const format::NumberFormat& number, const std::optional<at::Tensor>& global,
                const at::Tensor& z, Largest largest) {
  if (global) return global->item<float>();
  return number.two_level ? format::global_scale(number, largest(z)) : 1;
}

template <class T>
void round_lines(const format::NumberFormat& number, float global, const Lines& from,
                 const Lines& to) {
  const auto grain = std::max<std::int64_t>(piece_elements / from.length(), 1);
  const format::BlockFormat format{number, global};
  const format::BlockLines<T> lines({&format, 1});
  at::parallel_for(0, from.count(), grain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> scratch, result(static_cast<std::size_t>(from.length()));
    for (auto i = begin; i < end; ++i) {
      lines.round(from.line<T>(i, scratch), result);
      to.write<T>(i, result);
    }
  });
}

}  // namespace

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return round_tensor(grid_of(format), {scale.item<float>()}, z);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid) {
  const auto number = named_number(format, scale_grid, backoff);
  return round_tensor(number.grid, {format::scale_of(number, largest_magnitude(z))}, z);
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid, std::string_view range) {
  const auto number = named_number(format, scale_grid, backoff, range);
  return round_tensor(number.grid, row_scales(number, w), w);
}

at::Tensor fake_quantize_blocks(const at::Tensor& z, std::string_view format, std::int64_t dim,
                                std::int64_t restart, std::string_view scale_grid,
                                const std::optional<at::Tensor>& global) {
  const auto number = named_number(format, scale_grid);
  const float units = global_of(number, global, z, largest_magnitude);
  const auto result = at::empty_like(z);
  if (z.numel() == 0) return result;
  with_element_type(z.scalar_type(), [&]<class T>() {
    round_lines<T>(number, units, Lines(z, dim, restart), Lines(result, dim, restart));
  });
  return result;
}

namespace plain {

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return fake_quantized(grid_of(format), z, scale);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid) {
  const auto number = named_number(format, scale_grid, backoff);
  const float scale = format::scale_of(number, largest_magnitude(z));
  return fake_quantized(number.grid, z, scales_for(widened(z), {scale}));
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid, std::string_view range) {
  const auto number = named_number(format, scale_grid, backoff, range);
  return fake_quantized(number.grid, w, scales_for(widened(w), row_scales(number, w)));
}

at::Tensor fake_quantize_blocks(const at::Tensor& z, std::string_view format, std::int64_t dim,
                                std::int64_t restart, std::string_view scale_grid,
                                const std::optional<at::Tensor>& global) {
  const auto number = named_number(format, scale_grid);
  const float units = global_of(number, global, z, largest_magnitude);
  OperandPart part;
  part.dimension = dim;
  part.restart = restart;
  return narrowed(rounded_in_blocks(number, part, widened(z), units).rounded, z.scalar_type());
}

}  // namespace plain
}  // namespace gainsweep::execute

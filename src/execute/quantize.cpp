// 8-bit codes of activations and weights. Work is cut into pieces of a fixed size and maxima do not
// depend on order, so results are the same for any thread count.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include "base/error.hpp"
#include "execute/named_number.hpp"
#include "execute/operators.hpp"
#include "execute/probe_elements.hpp"
#include "execute/row_scales.hpp"
#include "format/format.hpp"
#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

constexpr int unsigned_zero = 128;

template <class T>
void quantize_pieces(const format::Grid& grid, std::span<const T> x, float scale, int zero_point,
                     std::uint8_t* codes) {
  at::parallel_for(0, static_cast<std::int64_t>(x.size()), piece_elements,
                   [&](std::int64_t begin, std::int64_t end) {
                     const auto from = static_cast<std::size_t>(begin);
                     const auto count = static_cast<std::size_t>(end - begin);
                     format::quantize_span<T>(grid, scale, zero_point, x.subspan(from, count),
                                              {codes + from, count});
                   });
}

/// Rows [begin, end) of a weight, each at its own scale, as signed codes.
template <class T>
void quantize_rows(const format::Grid& grid, std::span<const T> w, std::size_t columns,
                   std::span<const float> scales, std::uint8_t* codes) {
  const auto rows = static_cast<std::int64_t>(scales.size());
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
      auto* out = codes + row * columns;
      format::quantize_span<T>(grid, scales[row], unsigned_zero, w.subspan(row * columns, columns),
                               {out, columns});
      // Offset-128 codes and two's complement differ in the highest bit.
      for (std::size_t i = 0; i < columns; ++i) out[i] ^= 0x80U;
    }
  });
}

/// Images in channels_last as they are, anything else contiguous.
at::Tensor in_known_layout(const at::Tensor& x) {
  const bool is_last = x.is_contiguous(at::MemoryFormat::ChannelsLast) ||
                       x.is_contiguous(at::MemoryFormat::ChannelsLast3d);
  return is_last ? x : x.contiguous();
}

at::Tensor codes_of(const format::Grid& grid, const at::Tensor& x, float scale,
                    std::int64_t zero_point) {
  const auto filled = in_known_layout(x);
  auto codes = at::empty_like(filled, filled.options().dtype(at::kByte));
  with_element_type(x.scalar_type(), [&]<class T>() {
    quantize_pieces(grid, elements<T>(filled), scale, static_cast<int>(zero_point),
                    codes.mutable_data_ptr<std::uint8_t>());
  });
  return codes;
}

}  // namespace

at::Tensor quantize(const at::Tensor& x, const at::Tensor& scale, std::string_view format,
                    std::int64_t zero_point) {
  return codes_of(format::number_by_name(std::string(format)).grid, x, scale.item<float>(),
                  zero_point);
}

std::tuple<at::Tensor, at::Tensor> quantize_dynamic(const at::Tensor& x, std::string_view format,
                                                    double backoff, std::int64_t zero_point,
                                                    std::string_view scale_grid) {
  const auto number = named_number(format, scale_grid, backoff);
  const float scale = format::scale_of(number, largest_magnitude(x));
  return {codes_of(number.grid, x, scale, zero_point), at::full({1}, scale, at::kFloat)};
}

std::tuple<at::Tensor, at::Tensor> quantize_weight(const at::Tensor& w, double backoff,
                                                   bool per_channel, std::string_view scale_grid,
                                                   std::string_view range) {
  TORCH_CHECK(w.dim() >= 1 && w.numel() > 0, "gainsweep::quantize_weight takes a filled tensor");
  const auto filled = w.to(at::kCPU).contiguous();
  auto codes = at::empty(filled.sizes(), at::kChar);
  const auto number = named_number("int8", scale_grid, backoff, range);
  const auto scales = per_channel
                          ? row_scales(number, filled)
                          : std::vector<float>{format::scale_of(number, largest_magnitude(filled))};
  with_element_type(filled.scalar_type(), [&]<class T>() {
    const auto values = elements<T>(filled);
    quantize_rows(number.grid, values, values.size() / scales.size(), scales,
                  reinterpret_cast<std::uint8_t*>(codes.mutable_data_ptr<std::int8_t>()));
  });
  return {codes.to(w.device()), at::tensor(scales, at::kFloat).to(w.device())};
}

}  // namespace gainsweep::execute

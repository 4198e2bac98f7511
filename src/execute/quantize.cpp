// 8-bit codes of activations and weights. Work is cut into pieces of a fixed size and maxima do not
// depend on order, so results are the same for any thread count.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <cmath>

#include "base/error.hpp"
#include "execute/operators.hpp"
#include "format/format.hpp"
#include "format/kernel.hpp"

namespace gainsweep::execute {
namespace {

constexpr std::int64_t piece = 16384;  ///< elements; half a first-level cache of bf16
constexpr int unsigned_zero = 128;

template <class T>
std::span<const T> span_of(const at::Tensor& x) {
  return {static_cast<const T*>(x.const_data_ptr()), static_cast<std::size_t>(x.numel())};
}

/// Calls `work` with the elements of a contiguous tensor as a span of its own type.
template <class Work>
void with_span(const at::Tensor& x, const char* op, Work work) {
  switch (x.scalar_type()) {
    case at::kFloat:
      return work(span_of<float>(x));
    case at::kDouble:
      return work(span_of<double>(x));
    case at::kBFloat16:
      return work(span_of<format::Bf16>(x));
    default:
      TORCH_CHECK(false, "gainsweep::", op, " takes fp32, fp64 or bf16, not ", x.scalar_type());
  }
}

const format::Grid& int8_grid() {
  static const format::Grid grid = format::by_name("int8").grid;
  return grid;
}

template <class T>
void quantize_pieces(std::span<const T> x, float scale, int zero_point, std::uint8_t* codes) {
  at::parallel_for(
      0, static_cast<std::int64_t>(x.size()), piece, [&](std::int64_t begin, std::int64_t end) {
        const auto from = static_cast<std::size_t>(begin);
        const auto count = static_cast<std::size_t>(end - begin);
        format::quantize_span<T>(scale, zero_point, x.subspan(from, count), {codes + from, count});
      });
}

/// NaN beats infinity beats numbers, in any order.
float larger(float a, float b) {
  return std::isnan(a) || a > b ? a : b;
}

template <class T>
float largest(std::span<const T> x) {
  return at::parallel_reduce(
      0, static_cast<std::int64_t>(x.size()), piece, 0.0F,
      [&](std::int64_t begin, std::int64_t end, float so_far) {
        const auto part =
            x.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        return larger(so_far, format::largest_magnitude<T>(part));
      },
      larger);
}

/// Rows [begin, end) of a weight, each at its own scale, as signed codes.
template <class T>
void quantize_rows(std::span<const T> w, std::size_t columns, std::span<const float> scales,
                   std::uint8_t* codes) {
  const auto rows = static_cast<std::int64_t>(scales.size());
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
      auto* out = codes + row * columns;
      format::quantize_span<T>(scales[row], unsigned_zero, w.subspan(row * columns, columns),
                               {out, columns});
      // Offset-128 codes and two's complement differ in the highest bit.
      for (std::size_t i = 0; i < columns; ++i) out[i] ^= 0x80U;
    }
  });
}

}  // namespace

at::Tensor quantize(const at::Tensor& x, double scale, std::int64_t zero_point) {
  const auto dense = x.contiguous();
  auto codes = at::empty(dense.sizes(), at::kByte);
  with_span(dense, "quantize", [&](auto span) {
    quantize_pieces(span, static_cast<float>(scale), static_cast<int>(zero_point),
                    codes.mutable_data_ptr<std::uint8_t>());
  });
  return codes;
}

std::tuple<at::Tensor, at::Tensor> quantize_dynamic(const at::Tensor& x, double backoff,
                                                    std::int64_t zero_point) {
  const auto dense = x.contiguous();
  float scale = 1;
  with_span(dense, "quantize_dynamic",
            [&](auto span) { scale = format::scale_of(int8_grid(), largest(span), backoff); });
  return {quantize(dense, scale, zero_point), at::full({1}, scale, at::kFloat)};
}

std::tuple<at::Tensor, at::Tensor> quantize_weight(const at::Tensor& w, double backoff,
                                                   bool per_channel) {
  TORCH_CHECK(w.dim() >= 1 && w.numel() > 0, "gainsweep::quantize_weight takes a filled tensor");
  const auto dense = w.contiguous();
  auto codes = at::empty(dense.sizes(), at::kChar);
  auto scales = at::empty({per_channel ? dense.size(0) : 1}, at::kFloat);
  const auto groups = static_cast<std::size_t>(scales.numel());
  const std::span<float> scale_of_group{scales.mutable_data_ptr<float>(), groups};
  with_span(dense, "quantize_weight", [&](auto span) {
    const auto size = span.size() / groups;
    for (std::size_t group = 0; group < groups; ++group) {
      const float amax = largest(span.subspan(group * size, size));
      scale_of_group[group] = format::scale_of(int8_grid(), amax, backoff);
    }
    quantize_rows(span, size, scale_of_group,
                  reinterpret_cast<std::uint8_t*>(codes.mutable_data_ptr<std::int8_t>()));
  });
  return {codes, scales};
}

}  // namespace gainsweep::execute

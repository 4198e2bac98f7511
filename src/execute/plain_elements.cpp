#include "execute/plain_elements.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace gainsweep::execute::plain {
namespace {

constexpr double largest_bf16 = 0x1.FEp127;

/// How a floating type is laid out, and the integers of its width.
struct Layout {
  at::ScalarType words;
  int mantissa_bits;
  int bias;
};

Layout layout_of(at::ScalarType type) {
  return type == at::kDouble ? Layout{at::kLong, 52, 1023} : Layout{at::kInt, 23, 127};
}

/// A magnitude without its last `bits` mantissa bits, rounded half to even. NaN stays NaN.
at::Tensor dropped(const at::Tensor& magnitude, int bits, const Layout& layout) {
  const auto words = magnitude.view(layout.words);
  const auto even = words.bitwise_right_shift(bits).bitwise_and(1);
  const std::int64_t half_below = (std::int64_t{1} << (bits - 1)) - 1;
  const std::int64_t kept = ~((std::int64_t{1} << bits) - 1);
  const auto result = (words + half_below + even).bitwise_and(kept).view(magnitude.scalar_type());
  return at::where(magnitude.isnan(), magnitude, result);
}

/// Rounds a magnitude by adding and taking away a power of two whose last place is the grid's
/// spacing at that magnitude.
at::Tensor by_addition(const at::Tensor& magnitude, int shift, int least_exponent,
                       const Layout& layout) {
  const auto place = layout.mantissa_bits;
  const auto exponent_mask = static_cast<std::int64_t>(2 * layout.bias + 1) << place;
  const auto least = static_cast<std::int64_t>(least_exponent + shift + layout.bias) << place;
  const auto exponent = magnitude.view(layout.words).bitwise_and(exponent_mask);
  const auto magic = (exponent + (static_cast<std::int64_t>(shift) << place))
                         .clamp_min(least)
                         .view(magnitude.scalar_type());
  return (magnitude + magic) - magic;
}

/// A quotient within ±max on the grid of scale 1.
at::Tensor on_grid(const format::Grid& grid, const at::Tensor& quotient) {
  if (grid.kind == format::Kind::integer) return quotient.round();
  const auto layout = layout_of(quotient.scalar_type());
  const int shift = layout.mantissa_bits - grid.mantissa_bits;
  const auto magnitude = quotient.abs();
  // Where the power of two would overflow, the grid has the exponents of the type.
  const bool overflows = std::ilogb(grid.max) + shift > layout.bias;
  const auto result = overflows ? dropped(magnitude, shift, layout)
                                : by_addition(magnitude, shift, 1 - grid.bias, layout);
  return result.copysign(quotient);
}

}  // namespace

at::Tensor widened(const at::Tensor& z) {
  const auto type = z.scalar_type();
  TORCH_CHECK(type == at::kFloat || type == at::kDouble || type == at::kBFloat16,
              "fp32, fp64 or bf16 is needed here, not ", type);
  return type == at::kBFloat16 ? z.to(at::kFloat) : z;
}

at::Tensor scales_for(const at::Tensor& z, const std::vector<float>& scales) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(z.dim()), 1);
  if (scales.size() > 1) shape.at(0) = static_cast<std::int64_t>(scales.size());
  return at::tensor(scales, at::kFloat).view(shape).to(z.device(), z.scalar_type());
}

at::Tensor rounded(const format::Grid& grid, const at::Tensor& z, const at::Tensor& scale) {
  if (grid.is_unsigned)
    return on_grid(grid, (z / scale).masked_fill(z <= 0, 0).clamp_max(grid.max)) * scale;
  return on_grid(grid, (z / scale).clamp(-grid.max, grid.max)) * scale;
}

at::Tensor narrowed(const at::Tensor& values, at::ScalarType type) {
  if (type != at::kBFloat16) return values;
  return values.clamp(-largest_bf16, largest_bf16).to(at::kBFloat16);
}

at::Tensor fake_quantized(const format::Grid& grid, const at::Tensor& z, const at::Tensor& scale) {
  const auto values = widened(z);
  return narrowed(rounded(grid, values, scale.to(values.scalar_type())), z.scalar_type());
}

float largest_magnitude(const at::Tensor& z) {
  return z.numel() == 0 ? 0 : widened(z).abs().max().to(at::kFloat).item<float>();
}

std::vector<float> largest_magnitude_of_rows(const at::Tensor& w) {
  if (w.numel() == 0) return std::vector<float>(static_cast<std::size_t>(w.size(0)));
  const auto largest =
      widened(w).reshape({w.size(0), -1}).abs().amax(1).to(at::kFloat).cpu().contiguous();
  const auto* data = largest.const_data_ptr<float>();
  return {data, data + largest.numel()};
}

}  // namespace gainsweep::execute::plain

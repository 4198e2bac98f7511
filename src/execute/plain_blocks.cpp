#include "execute/plain_blocks.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "execute/plain_elements.hpp"
#include "format/block.hpp"

namespace gainsweep::execute::plain {
namespace {

constexpr int place_of_exponent = 23;
constexpr std::int64_t word_of_least = 0x00400000;  // 2^-127

at::Tensor words(const at::Tensor& x) {
  return x.view(at::kInt);
}

at::Tensor powers_of_two(const format::BlockScale& row, const format::NumberFormat& number,
                         const at::Tensor& largest) {
  const auto raised = words(largest) + static_cast<std::int64_t>(row.raise(number));
  const auto biased = raised.bitwise_right_shift(place_of_exponent);
  const auto k = (biased - std::int64_t{std::ilogb(number.grid.max)}).clamp_min(0);
  const auto normal = k.bitwise_left_shift(place_of_exponent);
  return at::where(k == 0, word_of_least, normal).to(at::kInt).view(at::kFloat);
}

at::Tensor levels(const format::NumberFormat& number, const at::Tensor& largest, float global) {
  const auto units = at::full({}, global, largest.options());
  const auto most = at::full({}, static_cast<float>(number.grid.max), largest.options());
  const auto one = at::ones({}, largest.options());
  const auto wanted = units * (largest / most);
  return rounded(format::number_by_name("fp8_e4m3").grid, wanted, one) / units;
}

at::Tensor fractions(const format::BlockScale& row, const format::NumberFormat& number,
                     const at::Tensor& largest) {
  const auto most = at::full({}, static_cast<float>(number.grid.max), largest.options());
  const auto free = (largest / most).clamp_min(std::numeric_limits<float>::min());
  if (!row.is_bf16) return free;
  const std::int64_t low = 0xFFFF;
  return (words(free) + low).bitwise_and(~low).to(at::kInt).view(at::kFloat);
}

/// The scales of blocks of these largest magnitudes, in fp32.
at::Tensor scales_of(const format::NumberFormat& number, const at::Tensor& largest, float global) {
  const auto& row = format::block_scales().at(number.scale_grid);
  const auto finite = at::where(largest.isfinite(), largest, 0).to(at::kFloat);
  at::Tensor scales;
  switch (row.rule) {
    case format::BlockRule::power_of_two:
      scales = powers_of_two(row, number, finite);
      break;
    case format::BlockRule::two_level:
      scales = levels(number, finite, global);
      break;
    case format::BlockRule::fraction:
      scales = fractions(row, number, finite);
      break;
  }
  scales = at::where(finite == 0, 1, scales).to(at::kFloat);
  return at::where(largest.isfinite(), scales, std::numeric_limits<float>::quiet_NaN())
      .to(at::kFloat);
}

}  // namespace

InBlocks rounded_in_blocks(const format::NumberFormat& number, const OperandPart& part,
                           const at::Tensor& z, float global) {
  auto lines = z.movedim(part.dimension, -1);
  if (part.restart > 0) lines = lines.unflatten(-1, {-1, part.restart});
  const auto length = lines.size(-1), before = part.first % number.block;
  const auto behind = (number.block - (before + length) % number.block) % number.block;
  const auto padded = at::constant_pad_nd(lines, {before, behind});
  const auto blocks = padded.unflatten(-1, {-1, number.block});
  const auto largest = blocks.abs().amax(-1, /*keepdim=*/true);
  const auto scales = scales_of(number, largest, global).to(z.scalar_type());
  // Elements of a block whose scale vanishes are zeros, and no quotient of zeros.
  const auto divisors = at::where(scales == 0, 1, scales).to(z.scalar_type());
  const auto one = at::ones({}, z.options());
  const auto values = rounded(number.grid, blocks / divisors, one) * scales;
  const auto restored = [&](const at::Tensor& x) {
    auto result = x.flatten(-2).narrow(-1, before, length);
    if (part.restart > 0) result = result.flatten(-2);
    return result.movedim(-1, part.dimension);
  };
  return {restored(values), restored(scales.expand(blocks.sizes()))};
}

}  // namespace gainsweep::execute::plain

#include "format/block.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "format/fastest.hpp"
#include "format/kernel.hpp"

namespace gainsweep::format {
namespace {

constexpr int fp32_mantissa_bits = 23;
constexpr std::uint32_t one_exponent = 1u << fp32_mantissa_bits;
constexpr std::size_t most_block = 128;

std::uint32_t no_raise(const NumberFormat&) {
  return 0;
}

/// Carries into the exponent where the significand is above that of the elements' max.
std::uint32_t raise_above_max(const NumberFormat& number) {
  const auto word = std::bit_cast<std::uint32_t>(static_cast<float>(number.grid.max));
  return one_exponent - 1 - word % one_exponent;
}

std::uint32_t half_of_place(int mantissa_bits) {
  return 1u << (fp32_mantissa_bits - mantissa_bits - 1);
}

std::uint32_t raise_even(const NumberFormat& number) {
  return half_of_place(number.grid.mantissa_bits);
}

std::uint32_t raise_as_compressed_tensors(const NumberFormat& number) {
  return half_of_place(number.bits == 6 ? 3 : 1);
}

const Grid& level_grid() {
  static const Grid grid = number_by_name("fp8_e4m3").grid;
  return grid;
}

float power_of_two(const BlockScale& row, const NumberFormat& number, float amax) {
  const auto word = std::bit_cast<std::uint32_t>(amax) + row.raise(number);
  const int biased = static_cast<int>(word >> fp32_mantissa_bits);
  constexpr int bias = 127;
  return std::ldexp(1.0F, std::max(biased - std::ilogb(number.grid.max), 0) - bias);
}

float level(const NumberFormat& number, float amax, float global) {
  const float wanted = global * (amax / static_cast<float>(number.grid.max));
  return round_to(level_grid(), wanted, 1) / global;
}

float fraction(const BlockScale& row, const NumberFormat& number, float amax) {
  const float free =
      std::max(amax / static_cast<float>(number.grid.max), std::numeric_limits<float>::min());
  if (!row.is_bf16) return free;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(free) + 0xFFFFu) & 0xFFFF0000u);
}

}  // namespace

Table<BlockScale>& block_scales() {
  static Table<BlockScale> rows{
      {"e8m0_floor", "powers of two, by the OCP standard: large elements may saturate",
       BlockRule::power_of_two, 8, no_raise},
      {"e8m0_ceil", "powers of two at which nothing saturates", BlockRule::power_of_two, 8,
       raise_above_max},
      {"e8m0_even", "powers of two at which nothing saturates by more than half a last place",
       BlockRule::power_of_two, 8, raise_even},
      {"e8m0_compressed_tensors", "powers of two as compressed-tensors has them",
       BlockRule::power_of_two, 8, raise_as_compressed_tensors},
      {"e4m3", "fp8_e4m3 in units of a scale of the whole operand", BlockRule::two_level, 8},
      {"bf16", "the least in bf16 at which nothing saturates", BlockRule::fraction, 16, nullptr,
       true},
      {"arbitrary", "the least in fp32 at which nothing saturates", BlockRule::fraction, 32},
  };
  return rows;
}

std::vector<std::string> block_scales_of(const NumberFormat& number) {
  const auto rule = block_scales().at(number.scale_grid).rule;
  std::vector<std::string> names;
  for (const auto& row : block_scales())
    if (row.rule == rule) names.push_back(row.name);
  return names;
}

double stored_bits(const NumberFormat& number) {
  if (number.granularity != Granularity::block) return number.bits;
  const int scale = block_scales().at(number.scale_grid).bits;
  return number.bits + static_cast<double>(scale) / static_cast<double>(number.block);
}

std::int64_t scale_bits(const NumberFormat& number, std::int64_t lines, std::int64_t length) {
  if (number.granularity != Granularity::block) return 0;
  constexpr std::int64_t fp32_bits = 32;
  const auto blocks = (length + number.block - 1) / number.block;
  return lines * blocks * block_scales().at(number.scale_grid).bits +
         (number.two_level ? fp32_bits : 0);
}

float global_scale(const NumberFormat& number, float amax) {
  if (!number.two_level || amax == 0) return 1;
  if (!std::isfinite(amax)) return std::numeric_limits<float>::quiet_NaN();
  const auto most = static_cast<float>(level_grid().max * number.grid.max);
  const float global = most / amax;
  return std::isfinite(global) ? global : 1;
}

float block_scale(const NumberFormat& number, float amax, float global) {
  if (!std::isfinite(amax)) return std::numeric_limits<float>::quiet_NaN();
  if (amax == 0) return 1;
  const auto& row = block_scales().at(number.scale_grid);
  if (row.rule == BlockRule::power_of_two) return power_of_two(row, number, amax);
  if (row.rule == BlockRule::two_level) return level(number, amax, global);
  return fraction(row, number, amax);
}

template <class Real>
BlockRounder<Real> make_block_rounder(const NumberFormat& number, float global) {
  const auto block = static_cast<std::size_t>(number.block);
  if (number.granularity != Granularity::block || block == 0 || most_block % block != 0)
    throw Error(ErrorKind::internal,
                number.name + " has blocks of " + std::to_string(number.block) +
                    " elements, which do not divide " + std::to_string(most_block));
  const auto& row = block_scales().at(number.scale_grid);
  return {.scaling = {.block = block,
                      .rule = row.rule,
                      .raise = row.raise == nullptr ? 0 : row.raise(number),
                      .exponent = std::ilogb(number.grid.max),
                      .max = static_cast<float>(number.grid.max),
                      .global = global,
                      .is_bf16 = row.is_bf16,
                      .level = make_rounder<float>(level_grid(), 1)},
          .element = make_rounder<Real>(number.grid, 1)};
}

template <class T>
struct BlockLines<T>::State {
  std::vector<BlockRounder<RealOf<T>>> formats;
};

template <class T>
BlockLines<T>::BlockLines(std::span<const BlockFormat> formats) {
  State state;
  for (const auto& [number, global] : formats)
    state.formats.push_back(make_block_rounder<RealOf<T>>(number, global));
  state_ = std::make_unique<const State>(std::move(state));
}

template <class T>
BlockLines<T>::~BlockLines() = default;

template <class T>
void BlockLines<T>::round(std::span<const T> input, std::span<T> output) const {
  assert(input.size() == output.size());
  fastest<T>().round_blocks(state_->formats.front(), input.data(), output.data(), input.size());
}

template <class T>
void BlockLines<T>::probe(std::span<const T> z, std::span<const T> g,
                          std::span<BlockSums> sums) const {
  const auto& formats = state_->formats;
  assert(z.size() == g.size() && formats.size() == sums.size());
  std::array<double, 3 * max_probed> result;
  for (std::size_t first = 0; first < formats.size(); first += max_probed) {
    const std::size_t count = std::min(formats.size() - first, max_probed);
    fastest<T>().probe_blocks(formats.data() + first, count, z.data(), g.data(), z.size(),
                              result.data());
    for (std::size_t f = 0; f < count; ++f) {
      sums[first + f].signed_error += result[3 * f];
      sums[first + f].square_error += result[3 * f + 1];
      sums[first + f].step_norm += result[3 * f + 2];
    }
  }
}

template class BlockLines<float>;
template class BlockLines<double>;
template class BlockLines<Bf16>;

}  // namespace gainsweep::format

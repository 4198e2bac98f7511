#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "format/format.hpp"
#include "format/variant.hpp"

namespace gainsweep::format {
namespace {

int least_exponent(const Grid& grid) {
  return 1 - grid.bias;
}

/// 2^exponent of a normal number; a `probe_span` of one weight row has no time for std::ldexp.
template <class Real>
Real power_of_two(int exponent) {
  using Word = typename Words<Real>::Word;
  const int biased = exponent + std::numeric_limits<Real>::max_exponent - 1;
  return std::bit_cast<Real>(static_cast<Word>(biased) << Words<Real>::mantissa_bits);
}

/// The exponent of a positive normal number.
int exponent_of(double value) {
  return static_cast<int>(std::bit_cast<std::uint64_t>(value) >> 52) - 1023;
}

/// Whether z·(1/scale), with 1/scale in two floats, may be rounded to another grid value than the
/// IEEE quotient. The product is x(1 + ε), |ε| < 2^-46.9, before its one rounding, so it can differ
/// from the quotient x only next to a midpoint p of two floats, and that matters only if one of
/// the two is a midpoint of the grid, γ·2^t: p = γ·2^t ± 1 in units of its last place, t ≥ 23 − m.
/// With integer significands S and Z of scale and z, |Z·2^b − S·p| < 5 for some b ≥ 23, which needs
/// S within 5 of a multiple of 2^(23−m). Powers of two are exact.
bool near_tie(const Grid& grid, float scale) {
  constexpr std::uint32_t margin = 8;
  const int mantissa_bits = grid.kind == Kind::integer ? exponent_of(grid.max) : grid.mantissa_bits;
  const std::uint32_t significand = std::bit_cast<std::uint32_t>(scale) & 0x7FFFFFu;
  const std::uint32_t period = 1u << (Words<float>::mantissa_bits - mantissa_bits);
  const std::uint32_t rest = significand % period;
  return significand != 0 && (rest < margin || rest > period - margin);
}

/// Fills in the reciprocal where it gives the values of the division: not near ties, and not for
/// scales or grids so far from 1 that a product underflows while the rounded value is not 0.
void prepare_reciprocal(const Grid& grid, Rounder<float>& rounder) {
  const float scale = rounder.scale;
  const bool wide = grid.kind == Kind::floating && least_exponent(grid) - grid.mantissa_bits < -32;
  if (!(scale > 0x1p-60F && scale < 0x1p60F) || wide || grid.max > 0x1p32) return;
  if (near_tie(grid, scale)) return;
  const double exact = 1.0 / scale;
  rounder.reciprocal = static_cast<float>(exact);
  rounder.reciprocal_rest = static_cast<float>(exact - rounder.reciprocal);
  rounder.limit = rounder.max * scale;
  rounder.reciprocal_exact = true;
}

}  // namespace

template <class Real>
Rounder<Real> make_rounder(const Grid& grid, float scale) {
  using Word = typename Words<Real>::Word;
  constexpr int digits = Words<Real>::mantissa_bits;
  Rounder<Real> result{.scale = scale, .max = static_cast<Real>(grid.max)};
  if (grid.kind == Kind::integer) {
    result.integer = true;
    result.is_unsigned = grid.is_unsigned;
    result.least_magic = power_of_two<Real>(digits);
  } else {
    const int shift = digits - grid.mantissa_bits;
    const int largest = exponent_of(grid.max) + shift;
    result.exponent_shift = static_cast<Word>(shift) << digits;
    result.least_magic = power_of_two<Real>(least_exponent(grid) + shift);
    if (largest >= std::numeric_limits<Real>::max_exponent) result.dropped_bits = shift;
    if (result.dropped_bits > 0 &&
        least_exponent(grid) + 1 != std::numeric_limits<Real>::min_exponent) {
      throw Error(ErrorKind::internal,
                  "a grid reaches the largest exponents of fp32 but not its smallest (max " +
                      shortest(grid.max) + "). Round it in double.");
    }
  }
  if constexpr (std::is_same_v<Real, float>) prepare_reciprocal(grid, result);
  return result;
}

template Rounder<float> make_rounder<float>(const Grid&, float);
template Rounder<double> make_rounder<double>(const Grid&, float);

}  // namespace gainsweep::format

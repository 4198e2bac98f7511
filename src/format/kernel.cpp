#include "format/kernel.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "format/fastest.hpp"

namespace gainsweep::format {
namespace {

int least_exponent(const Grid& grid) {
  return 1 - grid.bias;
}

/// The spacing of the grid at `magnitude`, which is not above its max.
double spacing(const Grid& grid, double magnitude) {
  if (grid.kind == Kind::integer) return 1;
  const int exponent = magnitude == 0 ? least_exponent(grid) : std::ilogb(magnitude);
  return std::ldexp(1.0, std::max(exponent, least_exponent(grid)) - grid.mantissa_bits);
}

template <class Real>
Real round_scalar(const Grid& grid, Real z, Real scale) {
  const double quotient = z / scale;
  if (std::isnan(quotient)) return z / scale;
  if (grid.is_unsigned && z <= 0) return 0;
  const double bounded = std::clamp(quotient, -grid.max, grid.max);
  const double step = spacing(grid, std::abs(bounded));
  return static_cast<Real>(std::nearbyint(bounded / step) * step) * scale;
}

}  // namespace

float round_to(const Grid& grid, float z, float scale) {
  return round_scalar(grid, z, scale);
}

double round_to(const Grid& grid, double z, float scale) {
  return round_scalar<double>(grid, z, scale);
}

template <class T>
void round_span(const Grid& grid, float scale, std::span<const T> input, std::span<T> output) {
  assert(input.size() == output.size());
  const auto prepared = make_rounder<RealOf<T>>(grid, scale);
  fastest<T>().round(prepared, input.data(), output.data(), input.size());
}

template <class T>
float largest_magnitude(std::span<const T> values) {
  return static_cast<float>(fastest<T>().largest(values.data(), values.size()));
}

template <class T>
void probe_span(std::span<const ScaledGrid> formats, std::span<const T> z, std::span<const T> g,
                ProbeSums& sums) {
  assert(z.size() == g.size() && formats.size() == sums.signed_error.size() &&
         formats.size() == sums.square_error.size());
  std::array<Rounder<RealOf<T>>, max_probed> prepared;
  std::array<double, 2 + 2 * max_probed> result;
  for (std::size_t first = 0; first == 0 || first < formats.size(); first += max_probed) {
    const std::size_t count = std::min(formats.size() - first, max_probed);
    for (std::size_t f = 0; f < count; ++f) {
      prepared[f] = make_rounder<RealOf<T>>(formats[first + f].grid, formats[first + f].scale);
    }
    fastest<T>().probe(prepared.data(), count, z.data(), g.data(), z.size(), result.data());
    for (std::size_t f = 0; f < count; ++f) {
      sums.signed_error[first + f] += result[2 + 2 * f];
      sums.square_error[first + f] += result[3 + 2 * f];
    }
    if (first > 0) continue;
    sums.weighted_square += result[0];
    sums.square_gradient += result[1];
  }
}

template <class T>
void quantize_span(const Grid& grid, float scale, int zero_point, std::span<const T> input,
                   std::span<std::uint8_t> codes) {
  assert(input.size() == codes.size());
  const auto prepared = make_rounder<RealOf<T>>(grid, scale);
  fastest<T>().quantize(prepared, zero_point, input.data(), codes.data(), input.size());
}

const char* instruction_set() {
  return variants().front()->name;
}

#define GAINSWEEP_INSTANTIATE(T)                                                                   \
  template void round_span<T>(const Grid&, float, std::span<const T>, std::span<T>);               \
  template float largest_magnitude<T>(std::span<const T>);                                         \
  template void probe_span<T>(std::span<const ScaledGrid>, std::span<const T>, std::span<const T>, \
                              ProbeSums&);                                                         \
  template void quantize_span<T>(const Grid&, float, int, std::span<const T>,                      \
                                 std::span<std::uint8_t>);
GAINSWEEP_INSTANTIATE(float)
GAINSWEEP_INSTANTIATE(double)
GAINSWEEP_INSTANTIATE(Bf16)
#undef GAINSWEEP_INSTANTIATE

}  // namespace gainsweep::format

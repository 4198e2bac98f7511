#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/format.hpp"

namespace gainsweep::format {

/// bfloat16 as its 16 bits, for spans over a model's own storage.
struct Bf16 {
  std::uint16_t bits;
};

/// `z` rounded to the grid at `scale`: round-half-even of z/scale, clamped to ±max after scaling,
/// times scale. NaN stays NaN, ±inf becomes ±max·scale.
float round_to(const Grid& grid, float z, float scale);

/// round_to over a span, in place of `output`; vectorised, equal to the scalar form bit for bit.
/// Instantiated for float, double and Bf16 (arithmetic in fp32, fp64 for double).
template <class T>
void round_span(const Grid& grid, float scale, std::span<const T> input, std::span<T> output);

/// Largest finite magnitude of a span; NaN or infinity if it holds one.
template <class T>
float largest_magnitude(std::span<const T> values);

/// One format as the probe sees it: its grid and the scale of the group at hand.
struct ScaledGrid {
  Grid grid;
  float scale = 1;
};

/// What one pass over an operand `z` and its gradient `g` leaves behind. All sums in fp64 over
/// fp32 products (fp64 for T = double), in an order that does not depend on the instruction set.
struct ProbeSums {
  double weighted_square = 0;        ///< Σ (z·g)²
  double square_gradient = 0;        ///< Σ_{z≠0} g²
  std::vector<double> signed_error;  ///< per format Σ g·(Q(z) − z)
};

/// One fused pass over a scale group (or a piece of one): adds to `sums`, whose `signed_error` has
/// one entry per format. `z` and `g` have equal length. Instantiated for float, double, Bf16.
template <class T>
void probe_span(std::span<const ScaledGrid> formats, std::span<const T> z, std::span<const T> g,
                ProbeSums& sums);

/// 8-bit codes of a span in an integer grid: round-half-even(z/scale) clamped to ±127, plus
/// `zero_point` (128 for unsigned codes).
template <class T>
void quantize_span(float scale, int zero_point, std::span<const T> input,
                   std::span<std::uint8_t> codes);

/// Which instruction set the vectorised kernels use here: "avx512", "avx2", "generic".
const char* instruction_set();

}  // namespace gainsweep::format

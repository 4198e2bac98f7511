#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "format/bf16.hpp"
#include "format/format.hpp"

namespace gainsweep::format {

/// `z` rounded to the grid at `scale`: the quotient z/scale rounded to T's precision, clamped to
/// ±max, rounded half to even on the grid, times scale in T. The quotient is IEEE division:
/// multiplying by 1/scale gives other bits. NaN stays NaN, ±inf becomes ±max·scale, the sign of
/// zero is kept; a grid without a sign has +0 for what is not above 0.
float round_to(const Grid& grid, float z, float scale);
double round_to(const Grid& grid, double z, float scale);

/// round_to over a span, in place of `output`, which may be `input` itself; vectorised, equal to
/// the scalar form bit for bit (NaN payloads aside). Instantiated for float, double and Bf16
/// (arithmetic in fp32, fp64 for double; a Bf16 result is rounded once more, half to even and
/// saturating).
template <class T>
void round_span(const Grid& grid, float scale, std::span<const T> input, std::span<T> output);

/// Largest magnitude of a span, 0 if it is empty; NaN if it holds one, else infinity if it holds
/// one.
template <class T>
float largest_magnitude(std::span<const T> values);

/// One format as the probe sees it: its grid and the scale of the group at hand.
struct ScaledGrid {
  Grid grid;
  float scale = 1;
};

/// What one pass over an operand `z` and its gradient `g` leaves behind. Terms are formed in fp32,
/// squares included (they underflow below |z·g| = 1e-22), and at most 16 of them are added in fp32
/// before a sum goes on in fp64; all fp64 for T = double. The order of addition depends only on the
/// length, not on the instruction set.
struct ProbeSums {
  double weighted_square = 0;        ///< Σ (z·g)²
  double square_gradient = 0;        ///< Σ_{z≠0} g²
  std::vector<double> signed_error;  ///< per format Σ g·(Q(z) − z)
  std::vector<double> square_error;  ///< per format Σ (g·(Q(z) − z))²
};

/// One fused pass over a scale group (or a piece of one): adds to `sums`, whose vectors have
/// one entry per format. `z` and `g` have equal length. Instantiated for float, double, Bf16.
template <class T>
void probe_span(std::span<const ScaledGrid> formats, std::span<const T> z, std::span<const T> g,
                ProbeSums& sums);

/// 8-bit codes of a span in an integer grid: round-half-even(z/scale) clamped to its range, plus
/// `zero_point` (of int8 128 for unsigned codes, 0 for two's complement; of uint8 0). NaN becomes
/// the code of zero.
template <class T>
void quantize_span(const Grid& grid, float scale, int zero_point, std::span<const T> input,
                   std::span<std::uint8_t> codes);

/// The instruction set that the vectorised kernels use here: "avx512", "avx2" or "generic". Results
/// are the same with each.
const char* instruction_set();

}  // namespace gainsweep::format

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "format/bf16.hpp"
#include "format/block_rule.hpp"

/// The vectorised kernels as tables of functions, one table per instruction set. Private to this
/// folder and its test. No standard-library code is called from the files that fill the tables: the
/// linker could merge an inline function compiled for AVX-512 into the rest of the program.
namespace gainsweep::format {

struct Grid;
struct NumberFormat;

/// The type in which values of T are rounded.
template <class T>
struct Arithmetic {
  using Real = T;
};
template <>
struct Arithmetic<Bf16> {
  using Real = float;
};
template <class T>
using RealOf = typename Arithmetic<T>::Real;

template <class Real>
struct Words;
template <>
struct Words<float> {
  using Word = std::uint32_t;
  static constexpr int mantissa_bits = 23;
  static constexpr Word sign = 0x80000000u;
  static constexpr Word exponent = 0x7F800000u;
};
template <>
struct Words<double> {
  using Word = std::uint64_t;
  static constexpr int mantissa_bits = 52;
  static constexpr Word sign = 0x8000000000000000u;
  static constexpr Word exponent = 0x7FF0000000000000u;
};

/// A grid at a scale, prepared for rounding magnitudes `a` by additions: (a + M) − M rounds to
/// multiples of the last place of M. M is a's power of two moved up by `exponent_shift`, and at
/// least `least_magic`, so that the spacing stays that of the grid's subnormals; for an integer
/// grid M is `least_magic`.
template <class Real>
struct Rounder {
  Real scale = 1;
  Real max = 0;
  typename Words<Real>::Word exponent_shift = 0;
  Real least_magic = 0;
  bool integer = false;
  bool is_unsigned = false;  ///< what is not above 0 becomes 0
  /// Above 0: the grid has the exponents of Real, M would overflow, and this many mantissa bits
  /// are rounded away in the word instead.
  int dropped_bits = 0;
  /// 1/scale as the nearest Real and what it lacks, where multiplying by their sum ends on the same
  /// grid values as the division (`reciprocal_exact`).
  bool reciprocal_exact = false;
  Real reciprocal = 1;
  Real reciprocal_rest = 0;
  Real limit = 0;  ///< max · scale
};

/// `grid` at `scale`, for float and double. Error(internal) if the grid has some of the exponents
/// of fp32 at which M overflows, but not all.
template <class Real>
Rounder<Real> make_rounder(const Grid& grid, float scale);

/// How the scales of blocks follow from their largest magnitudes, prepared.
struct BlockScaling {
  std::size_t block = 0;
  BlockRule rule = BlockRule::fraction;
  std::uint32_t raise = 0;    ///< of a power of two, see BlockScale
  std::int32_t exponent = 0;  ///< of the elements' max
  float max = 0;
  float global = 1;
  bool is_bf16 = false;
  Rounder<float> level{};  ///< of e4m3
};

/// A number format in blocks, prepared.
template <class Real>
struct BlockRounder {
  BlockScaling scaling{};
  Rounder<Real> element{};
};

/// Error(internal) for a number format that has no blocks, or none that fit into `probe`'s.
template <class Real>
BlockRounder<Real> make_block_rounder(const NumberFormat& number, float global);

/// Formats that one call of `probe` takes.
inline constexpr std::size_t max_probed = 8;

/// The kernels for spans of T; lengths in elements, any alignment.
template <class T>
struct Kernels {
  using Real = RealOf<T>;
  void (*round)(const Rounder<Real>& grid, const T* input, T* output, std::size_t length);
  Real (*largest)(const T* values, std::size_t length);
  /// Writes Σ(z·g)², Σ_{z≠0} g² and per format Σ g·(Q(z) − z) and Σ (g·(Q(z) − z))² into `sums`.
  void (*probe)(const Rounder<Real>* formats, std::size_t num_formats, const T* z, const T* g,
                std::size_t length, double* sums);
  void (*quantize)(const Rounder<Real>& grid, int zero_point, const T* input, std::uint8_t* codes,
                   std::size_t length);
  void (*round_blocks)(const BlockRounder<Real>& number, const T* input, T* output,
                       std::size_t length);
  /// Writes per format Σ g·(Q(z) − z), Σ (g·(Q(z) − z))² and, of integers, Σ_blocks Δ² Σ_{z≠0} g²
  /// into `sums`.
  void (*probe_blocks)(const BlockRounder<Real>* formats, std::size_t num_formats, const T* z,
                       const T* g, std::size_t length, double* sums);
};

/// One instruction set's kernels.
struct Variant {
  const char* name;
  Kernels<float> for_float;
  Kernels<double> for_double;
  Kernels<Bf16> for_bf16;
};

/// What this build has and this CPU runs, fastest first; the last is "generic".
std::span<const Variant* const> variants();

extern const Variant generic_variant;
extern const Variant avx2_variant;    ///< x86-64 only
extern const Variant avx512_variant;  ///< x86-64 only

}  // namespace gainsweep::format

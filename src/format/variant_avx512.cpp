#include <immintrin.h>

#include "format/make_variant.hpp"

namespace gainsweep::format {
namespace {

/// The quotient by two multiply-adds with 1/scale in two parts, for the scales where that ends on
/// the same grid values as IEEE division (see prepare_reciprocal). The clamp comes first and keeps
/// infinities out: max·scale/scale is within a last place of max, which rounds to max.
struct FusedDivision {
  static __m512 quotient(__m512 magnitude, const Rounder<float>& grid) {
    const __m512 bounded = magnitude > grid.limit ? _mm512_set1_ps(grid.limit) : magnitude;
    const __m512 rest = bounded * grid.reciprocal_rest;
    return _mm512_fmadd_ps(bounded, _mm512_set1_ps(grid.reciprocal), rest);
  }
};

}  // namespace

constinit const Variant avx512_variant = make_variant<64, FusedDivision>("avx512");

}  // namespace gainsweep::format

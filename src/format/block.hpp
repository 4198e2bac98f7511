#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "format/bf16.hpp"
#include "format/block_rule.hpp"
#include "format/format.hpp"

/// Number formats whose scales belong to blocks: a few neighbours along the dimension that products
/// sum over. A *line* is all elements of an operand along it; its blocks are counted from its
/// start, and the last may be shorter.
namespace gainsweep::format {

/// A row of the table of block scales.
struct BlockScale {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  BlockRule rule = BlockRule::fraction;
  int bits = 32;  ///< storage of one scale
  /// What is added to the word of a block's largest magnitude before its exponent counts: a power
  /// of two's rounding.
  std::uint32_t (*raise)(const NumberFormat& number) = nullptr;
  bool is_bf16 = false;  ///< a fraction is rounded up to bf16
};

/// With `e` the exponent of a block's largest magnitude `a`, and `E` that of the element's max:
/// * e8m0_floor: 2^(e − E) (OCP Microscaling Formats 1.0, 6.3); elements above max saturate
/// * e8m0_ceil: the least 2^k with a ≤ max · 2^k
/// * e8m0_even: e8m0_floor of `a` rounded to the element's mantissa bits, halves up
/// * e8m0_compressed_tensors: the same with one mantissa bit for elements of 4 and 8 bits, three
///   for those of 6 (compressed-tensors 0.20)
/// * e4m3: see global_scale
/// * bf16, arbitrary: a / max, at least 2^-126, rounded up to bf16 or as fp32 has it
/// Powers are bounded to 2^-127 … 2^127.
Table<BlockScale>& block_scales();

/// Names of the block scales that a number format may have; one where there is no choice.
std::vector<std::string> block_scales_of(const NumberFormat& number);

/// Bits that an element takes with its share of the scale of a full block: 4.25 in mxfp4.
double stored_bits(const NumberFormat& number);

/// Bits of the scales of the blocks of `lines` lines of `length` elements, and of what they count
/// in; 0 for a number format without blocks.
std::int64_t scale_bits(const NumberFormat& number, std::int64_t lines, std::int64_t length);

/// What the scales of a two-level number format's blocks count in: fp32(448 · max / amax) of the
/// operand's largest magnitude, 1 where that is 0 or so small that the quotient is infinite, NaN
/// where it is not finite. A block's e4m3 scale is `s = global · (a / max)` rounded half to even
/// and at most 448; an element is scaled by fp32(s / global), and is zero where s is (as in
/// compressed-tensors). 1 for other number formats.
float global_scale(const NumberFormat& number, float amax);

/// The scale that the elements of a block are divided by: 1 for a block of zeros, NaN for one that
/// holds anything not finite, 0 where a two-level scale vanishes (elements are then zeros).
float block_scale(const NumberFormat& number, float amax, float global);

/// A number format in blocks and its global scale.
struct BlockFormat {
  NumberFormat number;
  float global = 1;
};

/// What a line adds up to in a number format.
struct BlockSums {
  double signed_error = 0;  ///< Σ g·(Q(z) − z)
  double square_error = 0;  ///< Σ (g·(Q(z) − z))²
  double step_norm = 0;     ///< integers: Σ_blocks Δ² Σ_{z≠0} g²
};

/// Number formats in blocks, prepared once for many lines of T: float, double or Bf16, computed in
/// as round_span does.
template <class T>
class BlockLines {
 public:
  explicit BlockLines(std::span<const BlockFormat> formats);
  BlockLines(const BlockLines&) = delete;
  BlockLines& operator=(const BlockLines&) = delete;
  ~BlockLines();

  /// A line rounded to the first format, block by block: each element as `round_to` at the scale of
  /// its block. `output` may be `input` itself.
  void round(std::span<const T> input, std::span<T> output) const;
  /// One pass over a line and its gradient: adds to `sums`, one a format. Terms and their order are
  /// as those of `probe_span`. Lines whose length is a multiple of all blocks may be given one
  /// after the other, as one.
  void probe(std::span<const T> z, std::span<const T> g, std::span<BlockSums> sums) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace gainsweep::format

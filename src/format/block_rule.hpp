#pragma once

namespace gainsweep::format {

/// How the scales of blocks are made.
enum class BlockRule {
  power_of_two,  ///< 2^k, stored as its exponent (e8m0)
  two_level,     ///< e4m3 in units of a scale of the whole operand
  fraction,      ///< amax / max
};

}  // namespace gainsweep::format

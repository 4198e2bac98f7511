#pragma once

#include <string>

#include "base/table.hpp"
#include "format/format.hpp"

/// The scale of a group of numbers: the free one, or the nearest that hardware has for nothing.
namespace gainsweep::format {

/// A row of the table of scale grids: which numbers are scales.
struct ScaleGrid {
  std::string name;
  /// The least scale of the grid that is not below a finite `free` one; the largest of all where
  /// none is.
  float (*at_least)(double free, const Grid& grid);
  /// Why a weight's number format cannot have such scales, and what to write; empty where it can.
  std::string (*obstacle)(const NumberFormat& number);
};

/// `arbitrary`: any normal float. `power_of_two`. `gaudi2`: 16, 1, 1/16 and 1/256, the exponent
/// biases 3, 7, 11 and 15 of a Gaudi 2. `gaudi3`: powers of two that are biases 0 to 62 of a
/// Gaudi 3. (Intel's neural-compressor, `fp_utils.py`, read; not seen on a card.)
Table<ScaleGrid>& scale_grids();

/// The scale of a group of largest magnitude `amax` in a number format without blocks:
/// amax / (max · backoff), up to the number format's scale grid. Where the grid's largest scale is
/// smaller, values beyond max times it saturate. 1 for an all-zero group and for a number format
/// with the exponents of fp32 (bf16). NaN or infinite where `amax` is.
float scale_of(const NumberFormat& number, float amax);

}  // namespace gainsweep::format

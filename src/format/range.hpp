#pragma once

#include <span>
#include <string>

#include "base/table.hpp"
#include "format/format.hpp"

/// Which magnitudes the scale of a group of numbers covers.
namespace gainsweep::format {

/// A row of the table of ranges.
struct Range {
  std::string name;
  /// The magnitude of a group that becomes the largest of the number format: `scale_of` takes it.
  /// NaN or infinite where the group's largest magnitude is.
  float (*covered)(const NumberFormat& number, std::span<const float> group);
  /// Why a weight's number format cannot have it, and what to write; empty where it can.
  std::string (*obstacle)(const NumberFormat& number);
};

/// `max`: the largest magnitude. `mse`: the one of its multiples of 1/32, from 1/4 on, at which
/// Σ (Q(z) − z)² is least, the largest of equal ones (this project; a search over clips is common).
/// `mse` is of weights with a scale a channel: other scales are made of largest magnitudes alone.
Table<Range>& ranges();

/// Whether scales follow from largest magnitudes alone: the range `max`.
bool covers_all(const NumberFormat& number);

}  // namespace gainsweep::format

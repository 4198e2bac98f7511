#pragma once

#include <vector>

namespace gainsweep::sensitivity {

/// A measured loss error, relative and root mean square.
struct MeasuredError {
  double value = 0;           ///< √(mean (g' − g)² / mean g²)
  double standard_error = 0;  ///< over samples, to first order
};

/// What a plan does to the losses of samples; both in the same order. Error(internal) without
/// samples or when their numbers differ.
MeasuredError measured_error(const std::vector<double>& all_high, const std::vector<double>& plan);

}  // namespace gainsweep::sensitivity

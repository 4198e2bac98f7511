#pragma once

#include <vector>

namespace gainsweep {

/// The value at a share (0–1) of ascending values, linearly between the two nearest; there must be
/// one at least.
double quantile(const std::vector<double>& sorted, double share);

}  // namespace gainsweep

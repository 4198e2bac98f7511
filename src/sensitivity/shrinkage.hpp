#pragma once

#include <vector>

#include "sensitivity/contributions.hpp"

namespace gainsweep::sensitivity {

/// How far a low format's empirical loss errors are trusted.
struct Shrinkage {
  double factor = 1;  ///< κ: the ops' empirical loss errors over their squares, geometric mean
  /// w: the part of what the logarithms of the ops' ratios spread that is no sampling noise; 0 … 1
  double reliability = 0;
};

struct Shrunken {
  Contributions contributions;
  std::vector<Shrinkage> by_format;  ///< of the low formats
};

/// Loss errors drawn to what their squares predict (this project; an empirical Bayes estimate on
/// the logarithm). With `e_i`, `q_i` an op's means over samples and `y_i = log(e_i / q_i)`:
/// `d_i ∝ e_i^w (κ q_i)^(1−w)`, `log κ = mean y`, `w = max(0, 1 − v / var y)`, with `v` the mean
/// over ops of the sampling variance of `y_i`. The sum of all ops' loss errors in a format stays
/// what it is. Ops of which either is 0 are left alone; one sample has `w = 0`.
Shrunken shrunken(const Contributions& empirical, const Contributions& squares);

}  // namespace gainsweep::sensitivity

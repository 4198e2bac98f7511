#pragma once

#include <cstddef>
#include <vector>

#include "solve/selection.hpp"

namespace gainsweep::solve {

/// The linear relaxation of a multiple-choice knapsack with one limit, solved along the upper hulls
/// of its groups (Sinha and Zoltners 1979; Zemel 1980).
struct Relaxation {
  double price = 0;  ///< gain per cost at which the limit is used up; 0 if it never is
  std::vector<std::size_t> rounded;  ///< a selection within the limit, near the relaxed optimum
};

/// The relaxed optimum of a problem with one limit whose cheapest selection is within it.
Relaxation relax(const Problem& problem);

}  // namespace gainsweep::solve

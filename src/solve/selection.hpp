#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

using Groups = std::vector<std::vector<Choice>>;

/// Refuses malformed groups with Error(internal): an empty group, a negative or non-finite cost,
/// gains whose sum over the groups could overflow.
void check_groups(const Groups& groups);

/// `check_groups`, and a budget that is finite and not negative.
void check_problem(const Problem& problem);

/// Summed gain of a selection, exact.
std::int64_t total_gain(const Groups& groups, const std::vector<std::size_t>& choices);

/// Summed cost of a selection, added in group order in double: the one sum that is compared with a
/// budget anywhere. Rounded addition is monotone, so a partial selection with a smaller cost never
/// ends with a larger one.
double total_cost(const Groups& groups, const std::vector<std::size_t>& choices);

/// Index of the cheapest choice of each group, of the largest gain among equals, of the least index
/// among those.
std::vector<std::size_t> cheapest(const Groups& groups);

/// An upper bound of how far the rounded sum of a selection within `budget` lies from its exact
/// sum.
double rounding_slack(const Groups& groups, double budget);

}  // namespace gainsweep::solve

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// Refuses with Error(internal) limits that are not 1 to `most_resources` or are not finite or
/// negative.
void check_limits(const std::vector<double>& limits);

/// Refuses malformed groups with Error(internal): an empty group, a negative or non-finite cost, a
/// cost of a resource beyond the first `num_resources`, gains whose sum over the groups could
/// overflow.
void check_groups(const Groups& groups, std::size_t num_resources);

/// `check_groups` and `check_limits`.
void check_problem(const Problem& problem);

/// Summed gain of a selection, exact.
std::int64_t total_gain(const Groups& groups, const std::vector<std::size_t>& choices);

/// Summed cost of a selection, added in group order in double, entry by entry: the one sum that is
/// compared with a limit anywhere. Rounded addition is monotone, so a partial selection with a
/// smaller cost never ends with a larger one.
Resources total_cost(const Groups& groups, const std::vector<std::size_t>& choices);

/// Whether a cost is within every limit.
inline bool fits(const Resources& cost, const std::vector<double>& limits) {
  for (std::size_t resource = 0; resource < limits.size(); ++resource) {
    if (!(cost[resource] <= limits[resource])) return false;
  }
  return true;
}

/// Index of each group's choice that costs least of a resource, of the largest gain among equals,
/// of the least index among those.
std::vector<std::size_t> cheapest(const Groups& groups, std::size_t resource);

/// The smallest summed cost that any selection reaches, each resource by itself.
Resources least_cost(const Groups& groups, std::size_t num_resources);

/// Σ of each group's least cost from a group on, each resource by itself; 0 behind the last group.
std::vector<Resources> least_from(const Groups& groups);

/// Σ of each group's largest cost from a group on, of the choices within the limits by themselves.
std::vector<Resources> most_from(const Groups& groups, const std::vector<double>& limits);

/// An upper bound of how far the rounded sum of a selection that uses at most `limit` of a resource
/// lies from its exact sum.
double rounding_slack(const Groups& groups, std::size_t resource, double limit);

}  // namespace gainsweep::solve

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "solve/dominance.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {
namespace {

/// Σ least cost of the groups from each group on.
std::vector<double> least_costs(const Groups& groups) {
  const auto choices = cheapest(groups);
  std::vector<double> result(groups.size() + 1);
  for (std::size_t group = groups.size(); group-- > 0;) {
    result[group] = result[group + 1] + groups[group][choices[group]].cost;
  }
  return result;
}

}  // namespace

std::vector<FrontierPoint> frontier(const Groups& groups, double largest_budget) {
  check_groups(groups);
  if (std::isnan(largest_budget)) {
    throw Error(ErrorKind::internal,
                "the largest budget of a frontier is not a number. Report this as a bug of "
                "gainsweep.");
  }
  const double budget = std::min(largest_budget, std::numeric_limits<double>::max());
  const double slack = rounding_slack(groups, budget);
  const std::vector<double> suffix_cost = least_costs(groups);
  Selections selections;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const bool last = group + 1 == groups.size();
    Limit limit;
    limit.largest_cost = last ? budget : std::min(budget, budget - suffix_cost[group + 1] + slack);
    selections.extend(groups[group], limit, last ? 0 : slack);
  }
  std::vector<FrontierPoint> points;
  if (groups.empty() && budget < 0) return points;
  points.reserve(selections.states().size());
  for (std::size_t state = selections.states().size(); state-- > 0;) {
    const auto& sums = selections.states()[state];
    points.push_back({sums.gain, sums.cost, selections.choices(state)});
  }
  return points;
}

}  // namespace gainsweep::solve

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "solve/dominance.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/vector_dominance.hpp"

namespace gainsweep::solve {
namespace {

void check(const Problem& problem) {
  if (problem.limits.empty() || problem.limits.size() > most_resources) {
    check_limits(problem.limits);
  }
  for (const double limit : problem.limits) {
    if (!std::isnan(limit)) continue;
    throw Error(ErrorKind::internal,
                "a limit of a frontier is not a number. Report this as a bug of gainsweep.");
  }
  check_groups(problem.groups, problem.limits.size());
}

/// The points that the kept selections of all groups make.
template <class List, class CostOf>
std::vector<FrontierPoint> points(const List& selections, CostOf cost_of) {
  std::vector<FrontierPoint> result;
  result.reserve(selections.states().size());
  for (std::size_t state = selections.states().size(); state-- > 0;) {
    const auto& sums = selections.states()[state];
    result.push_back({sums.gain, cost_of(sums.cost), selections.choices(state)});
  }
  return result;
}

std::vector<FrontierPoint> of_one_resource(const Groups& groups, double budget) {
  const double slack = rounding_slack(groups, 0, budget);
  const auto least = least_from(groups);
  Selections selections;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const bool last = group + 1 == groups.size();
    Limit limit;
    limit.largest_cost =
        last ? budget : std::min(budget, budget - least[group + 1].front() + slack);
    std::vector<std::uint32_t> every(groups[group].size());
    std::iota(every.begin(), every.end(), 0);
    selections.extend(groups[group], every, limit, last ? 0 : slack);
  }
  return points(selections, [](double cost) { return Resources{cost}; });
}

std::vector<FrontierPoint> of_several(const Problem& problem) {
  const auto& groups = problem.groups;
  Resources slack{};
  for (std::size_t resource = 0; resource < problem.limits.size(); ++resource) {
    slack[resource] = rounding_slack(groups, resource, problem.limits[resource]);
  }
  const auto least = least_from(groups);
  const auto most = most_from(groups, problem.limits);
  VectorSelections selections(problem.limits.size(), std::numeric_limits<std::size_t>::max());
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const bool last = group + 1 == groups.size();
    VectorLimit limit = make_limit(problem.limits, slack, least[group + 1], most[group + 1], last);
    // Not only the limit of the first resource counts: less of it is a point of its own.
    limit.harmless.front() = -1;
    selections.extend(groups[group], limit);
  }
  return points(selections, [](const Resources& cost) { return cost; });
}

}  // namespace

std::vector<FrontierPoint> frontier(const Problem& problem) {
  check(problem);
  Problem finite = problem;
  for (double& limit : finite.limits) {
    if (limit < 0) return {};
    limit = std::min(limit, std::numeric_limits<double>::max());
  }
  if (finite.limits.size() == 1) return of_one_resource(finite.groups, finite.limits.front());
  return of_several(finite);
}

}  // namespace gainsweep::solve

#include "solve/relaxation.hpp"

#include <algorithm>
#include <cstdint>

namespace gainsweep::solve {
namespace {

/// A step along a group's upper hull.
struct Increment {
  std::size_t group = 0;
  std::size_t from = 0;
  std::size_t to = 0;
  double cost = 0;
  double slope = 0;  ///< gain per cost
};

double slope(const Choice& from, const Choice& to) {
  return static_cast<double>(to.gain - from.gain) / (to.cost.front() - from.cost.front());
}

/// Indices of the choices on the upper hull, from the cheapest to the one of largest gain.
std::vector<std::size_t> upper_hull(const std::vector<Choice>& group, double budget) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < group.size(); ++index) {
    if (group[index].cost.front() <= budget) order.push_back(index);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const double left = group[a].cost.front();
    const double right = group[b].cost.front();
    return left != right ? left < right : group[a].gain > group[b].gain;
  });
  std::vector<std::size_t> hull;
  for (const std::size_t index : order) {
    if (!hull.empty() && group[index].gain <= group[hull.back()].gain) continue;
    while (hull.size() > 1 && slope(group[hull[hull.size() - 2]], group[hull.back()]) <=
                                  slope(group[hull.back()], group[index])) {
      hull.pop_back();
    }
    hull.push_back(index);
  }
  return hull;
}

/// All steps of all hulls, steepest first; the steps of one group stay in order.
std::vector<Increment> increments(const Problem& problem) {
  const double budget = problem.limits.front();
  std::vector<Increment> result;
  for (std::size_t group = 0; group < problem.groups.size(); ++group) {
    const auto& choices = problem.groups[group];
    const auto hull = upper_hull(choices, budget);
    for (std::size_t i = 1; i < hull.size(); ++i) {
      const Choice& from = choices[hull[i - 1]];
      const Choice& to = choices[hull[i]];
      result.push_back(
          {group, hull[i - 1], hull[i], to.cost.front() - from.cost.front(), slope(from, to)});
    }
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const Increment& a, const Increment& b) { return a.slope > b.slope; });
  return result;
}

}  // namespace

Relaxation relax(const Problem& problem) {
  const double budget = problem.limits.front();
  Relaxation result;
  result.rounded = cheapest(problem.groups, 0);
  const double room = budget - rounding_slack(problem.groups, 0, budget);
  double used = total_cost(problem.groups, result.rounded).front();
  bool used_up = false;
  for (const Increment& step : increments(problem)) {
    if (result.rounded[step.group] != step.from) continue;  // an earlier step of it did not fit
    if (used + step.cost <= room) {
      used += step.cost;
      result.rounded[step.group] = step.to;
    } else if (!used_up) {
      used_up = true;
      result.price = step.slope;
    }
  }
  if (!fits(total_cost(problem.groups, result.rounded), problem.limits)) {
    result.rounded = cheapest(problem.groups, 0);
  }
  return result;
}

}  // namespace gainsweep::solve

#include "solve/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "solve/selection.hpp"

namespace gainsweep::solve {
namespace {

double price_of_limits(const Resources& price, const std::vector<double>& limits) {
  double whole = 0;
  for (std::size_t resource = 0; resource < limits.size(); ++resource) {
    whole += price[resource] * limits[resource];
  }
  return whole;
}

}  // namespace

Bounds make_bounds(const Problem& problem, const Resources& price) {
  const auto& groups = problem.groups;
  const std::size_t num_resources = problem.limits.size();
  Bounds bounds;
  // Without finite prices the bounds are weaker, not wrong.
  if (std::isfinite(price_of_limits(price, problem.limits))) bounds.price = price;
  bounds.whole = price_of_limits(bounds.price, problem.limits);
  bounds.suffix_value.resize(groups.size() + 1);
  double magnitude = bounds.whole;
  for (std::size_t group = groups.size(); group-- > 0;) {
    double best = -std::numeric_limits<double>::infinity();
    double largest = 0;
    for (const Choice& choice : groups[group]) {
      if (!fits(choice.cost, problem.limits)) continue;
      best = std::max(best, priced(choice.gain, choice.cost, bounds.price, num_resources));
      largest = std::max(largest, std::abs(static_cast<double>(choice.gain)));
    }
    bounds.suffix_value[group] = bounds.suffix_value[group + 1] + best;
    magnitude += std::max(largest, std::abs(best));
  }
  const double operations = static_cast<double>(4 * groups.size() + 16);
  bounds.tolerance = operations * std::numeric_limits<double>::epsilon() * magnitude;
  for (std::size_t resource = 0; resource < num_resources; ++resource) {
    bounds.slack[resource] = rounding_slack(groups, resource, problem.limits[resource]);
    bounds.tolerance += bounds.price[resource] * bounds.slack[resource];
  }
  return bounds;
}

std::vector<std::uint32_t> reduce(const Problem& problem, const Bounds& bounds, std::size_t group,
                                  double target) {
  const double best = bounds.suffix_value[group] - bounds.suffix_value[group + 1];
  const double least = best - (bounds.optimum() - target) - bounds.tolerance;
  std::vector<std::uint32_t> indices;
  for (std::uint32_t index = 0; index < problem.groups[group].size(); ++index) {
    const Choice& choice = problem.groups[group][index];
    if (!fits(choice.cost, problem.limits)) continue;
    if (priced(choice.gain, choice.cost, bounds.price, problem.limits.size()) < least) continue;
    indices.push_back(index);
  }
  return indices;
}

}  // namespace gainsweep::solve

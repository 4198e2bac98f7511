#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "solve/dominance.hpp"
#include "solve/relaxation.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {
namespace {

/// Upper bounds of what the groups from some group on can still add, for a fixed price λ:
/// gain ≤ λ · budget + Σ_groups max_p (gain_p − λ · cost_p). Any λ ≥ 0 is valid.
struct Bounds {
  double price = 0;
  double slack = 0;                  ///< of cost: what rounding may hide
  double tolerance = 0;              ///< of gain: the rounding of the bounds themselves
  std::vector<double> suffix_value;  ///< Σ max_p (gain_p − λ · cost_p) from a group on
  std::vector<double> suffix_cost;   ///< Σ least cost from a group on

  double optimum(const Problem& problem) const {
    return price * problem.budget + suffix_value.front() + tolerance;
  }
};

double value(const Choice& choice, double price) {
  return static_cast<double>(choice.gain) - price * choice.cost;
}

Bounds make_bounds(const Problem& problem, double price) {
  const auto& groups = problem.groups;
  Bounds bounds;
  // Without a finite price the bounds are weaker, not wrong.
  bounds.price = std::isfinite(price * problem.budget) ? price : 0;
  bounds.slack = rounding_slack(groups, problem.budget);
  bounds.suffix_value.resize(groups.size() + 1);
  bounds.suffix_cost.resize(groups.size() + 1);
  double magnitude = bounds.price * problem.budget;
  for (std::size_t group = groups.size(); group-- > 0;) {
    double best = -std::numeric_limits<double>::infinity();
    double least = std::numeric_limits<double>::infinity();
    double largest = 0;
    for (const Choice& choice : groups[group]) {
      least = std::min(least, choice.cost);
      if (choice.cost > problem.budget) continue;
      best = std::max(best, value(choice, bounds.price));
      largest = std::max(largest, std::abs(static_cast<double>(choice.gain)));
    }
    bounds.suffix_value[group] = bounds.suffix_value[group + 1] + best;
    bounds.suffix_cost[group] = bounds.suffix_cost[group + 1] + least;
    magnitude += largest;
  }
  const double operations = static_cast<double>(4 * groups.size() + 16);
  bounds.tolerance =
      operations * std::numeric_limits<double>::epsilon() * magnitude + bounds.price * bounds.slack;
  return bounds;
}

/// The choices that a selection gaining `target` within the budget may hold, and their indices.
struct Reduced {
  std::vector<Choice> group;
  std::vector<std::size_t> index;
};

Reduced reduce(const Problem& problem, const Bounds& bounds, std::size_t group, double target) {
  const double best = bounds.suffix_value[group] - bounds.suffix_value[group + 1];
  const double least = best - (bounds.optimum(problem) - target) - bounds.tolerance;
  Reduced result;
  for (std::size_t index = 0; index < problem.groups[group].size(); ++index) {
    const Choice& choice = problem.groups[group][index];
    if (choice.cost > problem.budget || value(choice, bounds.price) < least) continue;
    result.group.push_back(choice);
    result.index.push_back(index);
  }
  return result;
}

/// All selections that may gain `target` or more, but for dominated ones; the best comes first.
/// False when none gains that much.
bool search(const Problem& problem, const Bounds& bounds, double target, Solution& solution) {
  const std::size_t num_groups = problem.groups.size();
  Selections selections;
  std::vector<Reduced> reduced;
  for (std::size_t group = 0; group < num_groups; ++group) {
    reduced.push_back(reduce(problem, bounds, group, target));
    const bool last = group + 1 == num_groups;
    Limit limit;
    limit.largest_cost =
        last ? problem.budget
             : std::min(problem.budget,
                        problem.budget - bounds.suffix_cost[group + 1] + bounds.slack);
    limit.price = bounds.price;
    limit.least_value =
        target - bounds.tolerance - bounds.price * problem.budget - bounds.suffix_value[group + 1];
    selections.extend(reduced.back().group, limit, last ? 0 : bounds.slack);
    if (selections.states().empty()) return false;
  }
  const auto& best = selections.states().front();
  if (static_cast<double>(best.gain) < target) return false;
  solution.choices = selections.choices(0);
  for (std::size_t group = 0; group < num_groups; ++group) {
    solution.choices[group] = reduced[group].index[solution.choices[group]];
  }
  solution.gain = best.gain;
  solution.cost = best.cost;
  return true;
}

}  // namespace

Solution dynamic_program(const Problem& problem) {
  check_problem(problem);
  Solution solution;
  solution.least_cost = total_cost(problem.groups, cheapest(problem.groups));
  if (solution.least_cost > problem.budget) return solution;
  solution.termination = Termination::optimal;

  const Relaxation relaxation = relax(problem);
  const Bounds bounds = make_bounds(problem, relaxation.price);
  // The optimum is usually far closer to the relaxed one than the rounded selection is: aim high
  // first, and come down until something is found. Whatever is found at a target is the optimum.
  const double reached = static_cast<double>(total_gain(problem.groups, relaxation.rounded));
  const double optimum = std::max(bounds.optimum(problem), reached);
  for (double share = 1.0 / 64; share < 1; share *= 4) {
    if (search(problem, bounds, optimum - share * (optimum - reached), solution)) return solution;
  }
  if (!search(problem, bounds, reached, solution)) {
    throw Error(ErrorKind::internal,
                "the dynamic program lost a selection that it started from. Report this as a bug "
                "of gainsweep.");
  }
  return solution;
}

}  // namespace gainsweep::solve

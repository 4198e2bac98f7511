#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/error.hpp"
#include "solve/bounds.hpp"
#include "solve/dominance.hpp"
#include "solve/relaxation.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/vector_program.hpp"

namespace gainsweep::solve {
namespace {

/// All selections that may gain `target` or more, but for dominated ones; the best comes first.
/// False when none gains that much.
/// `least`: what the groups from each one on cost at least.
bool search(const Problem& problem, const Bounds& bounds, const std::vector<Resources>& least,
            double target, Solution& solution) {
  const std::size_t num_groups = problem.groups.size();
  const double budget = problem.limits.front();
  const double slack = bounds.slack.front();
  Selections selections;
  for (std::size_t group = 0; group < num_groups; ++group) {
    const bool last = group + 1 == num_groups;
    Limit limit;
    limit.largest_cost =
        last ? budget : std::min(budget, budget - least[group + 1].front() + slack);
    limit.price = bounds.price.front();
    limit.least_value = bounds.least_value(target, group + 1);
    selections.extend(problem.groups[group], reduce(problem, bounds, group, target), limit,
                      last ? 0 : slack);
    solution.most_states = std::max(solution.most_states, selections.states().size());
    if (selections.states().empty()) return false;
  }
  const auto& best = selections.states().front();
  if (static_cast<double>(best.gain) < target) return false;
  solution.choices = selections.choices(0);
  solution.gain = best.gain;
  solution.cost = {best.cost};
  return true;
}

/// The plan of record of a problem with one limit, whose cheapest selection is within it.
void solve_one_resource(const Problem& problem, Solution& solution) {
  solution.termination = Termination::optimal;
  const Relaxation relaxation = relax(problem);
  const Bounds bounds = make_bounds(problem, {relaxation.price});
  const auto least = least_from(problem.groups);
  // The optimum is usually far closer to the relaxed one than the rounded selection is: aim high
  // first, and come down until something is found. Whatever is found at a target is the optimum.
  const double reached = static_cast<double>(total_gain(problem.groups, relaxation.rounded));
  const double optimum = std::max(bounds.optimum(), reached);
  for (double share = 1.0 / 64; share < 1; share *= 4) {
    if (search(problem, bounds, least, optimum - share * (optimum - reached), solution)) return;
  }
  if (!search(problem, bounds, least, reached, solution)) {
    throw Error(ErrorKind::internal,
                "the dynamic program lost a selection that it started from. Report this as a bug "
                "of gainsweep.");
  }
}

}  // namespace

Solution dynamic_program(const Problem& problem, std::size_t most_states) {
  check_problem(problem);
  Solution solution;
  solution.least_cost = least_cost(problem.groups, problem.limits.size());
  if (!fits(solution.least_cost, problem.limits)) return solution;
  if (problem.limits.size() == 1) {
    solve_one_resource(problem, solution);
  } else {
    const Resources least = solution.least_cost;
    solution = vector_program(problem, most_states);
    solution.least_cost = least;
  }
  return solution;
}

}  // namespace gainsweep::solve

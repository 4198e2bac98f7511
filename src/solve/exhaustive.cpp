#include <string>

#include "base/error.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {
namespace {

constexpr std::size_t largest_count = std::size_t{1} << 22;

void check_count(const Groups& groups) {
  std::size_t count = 1;
  for (const auto& group : groups) {
    count *= group.size();
    if (count > largest_count) {
      throw Error(ErrorKind::internal, "a problem with more than " + std::to_string(largest_count) +
                                           " selections was given to exhaustive search. Use "
                                           "dynamic_program.");
    }
  }
}

/// The next selection in lexicographic order; false after the last.
bool advance(const Groups& groups, std::vector<std::size_t>& choices) {
  for (std::size_t group = groups.size(); group-- > 0;) {
    if (++choices[group] < groups[group].size()) return true;
    choices[group] = 0;
  }
  return false;
}

}  // namespace

Solution exhaustive(const Problem& problem) {
  check_problem(problem);
  check_count(problem.groups);
  Solution best;
  best.least_cost = least_cost(problem.groups, problem.limits.size());
  std::vector<std::size_t> choices(problem.groups.size());
  do {
    const std::int64_t gain = total_gain(problem.groups, choices);
    const Resources cost = total_cost(problem.groups, choices);
    if (!fits(cost, problem.limits)) continue;
    const bool better = best.termination == Termination::infeasible || gain > best.gain ||
                        (gain == best.gain && cost.front() < best.cost.front());
    if (!better) continue;
    best.termination = Termination::optimal;
    best.choices = choices;
    best.gain = gain;
    best.cost = cost;
  } while (advance(problem.groups, choices));
  return best;
}

}  // namespace gainsweep::solve

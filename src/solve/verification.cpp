#include "solve/verification.hpp"

#include <span>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "solve/selection.hpp"

namespace gainsweep::solve {
namespace {

std::string list(std::span<const double> values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + shortest(value);
  return text;
}

}  // namespace

bool has_plan(const Solution& solution) {
  return solution.termination == Termination::optimal ||
         solution.termination == Termination::feasible;
}

bool is_feasible(const Problem& problem, const std::vector<std::size_t>& choices) {
  return fits(total_cost(problem.groups, choices), problem.limits);
}

void check_excess(const Problem& problem, const std::vector<std::size_t>& choices) {
  const Resources cost = total_cost(problem.groups, choices);
  for (std::size_t resource = 0; resource < problem.limits.size(); ++resource) {
    const double limit = problem.limits[resource];
    if (cost[resource] - limit <= margin * limit) continue;
    throw Error(ErrorKind::internal, "CBC returned a plan that costs " + shortest(cost[resource]) +
                                         " with a budget of " + shortest(limit) +
                                         ". Keep the archive and report this.");
  }
}

void check_plan(const Problem& problem, const Solution& solution) {
  const auto& choices = solution.choices;
  bool valid = choices.size() == problem.groups.size();
  for (std::size_t group = 0; valid && group < choices.size(); ++group) {
    valid = choices[group] < problem.groups[group].size();
  }
  if (!valid || total_gain(problem.groups, choices) != solution.gain ||
      total_cost(problem.groups, choices) != solution.cost ||
      !fits(solution.cost, problem.limits)) {
    const std::span<const double> cost(solution.cost.data(), problem.limits.size());
    throw Error(ErrorKind::internal, "the plan to certify does not add up (gain " +
                                         std::to_string(solution.gain) + ", cost " + list(cost) +
                                         ", limit " + list(problem.limits) +
                                         "). Keep the archive and report this.");
  }
}

}  // namespace gainsweep::solve

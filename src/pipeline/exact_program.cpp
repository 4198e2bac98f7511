#include "pipeline/exact_program.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::pipeline {
namespace {

double loss_error(const Layout& layout, const sensitivity::LossErrors& errors, std::size_t subgraph,
                  const graph::Configuration& configuration) {
  double sum = 0;
  for (std::size_t i = 0; i < configuration.size(); ++i)
    sum += errors.d[layout.partition.subgraphs[subgraph].ops[i].index][configuration[i].index];
  return sum;
}

// What the resource's unit has beyond the sum of charges (see gain::Resource::limit).
double offset(const Constraint& constraint) {
  return constraint.allowed - constraint.limit;
}

bool any_negative(const std::vector<double>& limits) {
  return std::any_of(limits.begin(), limits.end(), [](const double limit) { return limit < 0; });
}

}  // namespace

ExactProgram::ExactProgram(const Layout& layout, const Decision& decision,
                           const sensitivity::LossErrors& errors, std::size_t objective,
                           double budget)
    : layout_(layout), decision_(decision), objective_(objective) {
  const auto& [configurations, gains] = decision.gains[objective];
  problem_.limits = {budget};
  for (const auto& constraint : decision.constraints) problem_.limits.push_back(constraint.limit);
  for (std::size_t j = 0; j < gains.size(); ++j) {
    auto& choices = problem_.groups.emplace_back();
    auto& places = configurations_.emplace_back();
    for (std::size_t p = 0; p < gains[j].size(); ++p) {
      solve::Choice choice{gains[j][p], {loss_error(layout, errors, j, configurations[j][p])}};
      for (std::size_t r = 0; r < decision.constraints.size(); ++r)
        choice.cost[r + 1] = decision.constraints[r].charges[objective][j][p];
      if (!std::all_of(choice.cost.begin(), choice.cost.end(),
                       [](const double cost) { return std::isfinite(cost); }))
        continue;
      choices.push_back(choice);
      places.push_back(p);
    }
  }
}

graph::Assignment ExactProgram::assignment(const std::vector<std::size_t>& choices) const {
  const auto& configurations = decision_.gains[objective_].configurations;
  graph::Assignment assignment(layout_.partition.ops.size(), high_format);
  for (std::size_t j = 0; j < choices.size(); ++j) {
    const auto& configuration = configurations[j][configurations_[j][choices[j]]];
    for (std::size_t i = 0; i < configuration.size(); ++i)
      assignment[layout_.partition.subgraphs[j].ops[i].index] = configuration[i];
  }
  return assignment;
}

solve::Outcome ExactProgram::solve() const {
  if (any_negative(problem_.limits)) refuse();
  auto outcome = solve::solve(problem_);
  if (outcome.solution.termination == solve::Termination::infeasible) refuse();
  if (outcome.solution.choices.empty())
    throw Error(ErrorKind::input,
                "no plan that keeps solve.constraints was found within the solver's limits, nor a "
                "proof that there is none. Allow more of one of them.");
  return outcome;
}

solve::Solution ExactProgram::plan(double budget) {
  problem_.limits.front() = budget;
  if (any_negative(problem_.limits)) return {};
  return solve::dynamic_program(problem_);
}

void ExactProgram::refuse() const {
  std::string least;
  for (std::size_t r = 0; r < decision_.constraints.size(); ++r) {
    const auto& constraint = decision_.constraints[r];
    double sum = offset(constraint);
    for (const auto& group : problem_.groups)
      sum += std::min_element(group.begin(), group.end(), [&](const auto& a, const auto& b) {
               return a.cost[r + 1] < b.cost[r + 1];
             })->cost[r + 1];
    least += "\n  " + constraint.resource + ": " + shortest(constraint.allowed) + " allowed, " +
             shortest(sum) + " is the least that any plan takes";
  }
  throw Error(ErrorKind::input,
              "no plan keeps the threshold and solve.constraints:" + least +
                  "\nAllow more of them, or a larger threshold (the least of each is reached by "
                  "plans of their own, not by one plan together).");
}

double amount(const Layout& layout, const Decision& decision, std::size_t objective,
              const Constraint& constraint, const graph::Assignment& assignment) {
  double sum = 0;
  const auto& gains = decision.gains[objective];
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j)
    sum += constraint.charges[objective][j][gain::place(gains, layout.partition, j, assignment)];
  return sum + offset(constraint);
}

}  // namespace gainsweep::pipeline

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
                           const sensitivity::LossErrors& errors, std::size_t aim, double budget)
    : layout_(layout), decision_(decision), aim_(aim), budget_(budget) {
  const auto& [configurations, gains] = decision.gains[aim];
  const auto& constraints = decision.constraints[aim];
  problem_.limits = {budget};
  for (const auto& constraint : constraints) problem_.limits.push_back(constraint.limit);
  if (decision.aims[aim].is_budget()) {
    problem_.limits[0] = 0;
    problem_.limits[1] = constraints.front().limit_of(budget);
  }
  for (std::size_t j = 0; j < gains.size(); ++j) {
    auto& choices = problem_.groups.emplace_back();
    auto& places = configurations_.emplace_back();
    for (std::size_t p = 0; p < gains[j].size(); ++p) {
      solve::Choice choice{gains[j][p], {loss_error(layout, errors, j, configurations[j][p])}};
      for (std::size_t r = 0; r < constraints.size(); ++r)
        choice.cost[r + 1] = constraints[r].charges[j][p];
      if (!std::all_of(choice.cost.begin(), choice.cost.end(),
                       [](const double cost) { return std::isfinite(cost); }))
        continue;
      choices.push_back(choice);
      places.push_back(p);
    }
  }
}

graph::Assignment ExactProgram::assignment(const std::vector<std::size_t>& choices) const {
  const auto& configurations = decision_.gains[aim_].configurations;
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
  auto outcome =
      decision_.aims[aim_].is_budget() ? solve::solve_dual(problem_) : solve::solve(problem_);
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
  const bool is_budget = decision_.aims[aim_].is_budget();
  const auto& constraints = decision_.constraints[aim_];
  std::string least;
  for (std::size_t r = 0; r < constraints.size(); ++r) {
    const auto& constraint = constraints[r];
    const double allowed = is_budget && r == 0 ? budget_ : constraint.allowed;
    double sum = offset(constraint);
    for (const auto& group : problem_.groups)
      sum += std::min_element(group.begin(), group.end(), [&](const auto& a, const auto& b) {
               return a.cost[r + 1] < b.cost[r + 1];
             })->cost[r + 1];
    least += "\n  " + constraint.resource + ": " + shortest(allowed) + " allowed, " +
             shortest(sum) + " is the least that any plan takes";
  }
  const std::string apart =
      " (the least of each is reached by plans of their own, not by one plan together).";
  if (!is_budget)
    throw Error(ErrorKind::input, "no plan keeps the threshold and solve.constraints:" + least +
                                      "\nAllow more of them, or a larger threshold" + apart);
  throw Error(ErrorKind::input,
              constraints.size() == 1
                  ? "no plan keeps a budget of solve.budgets:" + least + "\nAllow more of it."
                  : "no plan keeps a budget of solve.budgets and "
                    "solve.constraints:" +
                        least + "\nAllow more of them" + apart);
}

double amount(const Layout& layout, const Decision& decision, std::size_t aim,
              const Constraint& constraint, const graph::Assignment& assignment) {
  double sum = 0;
  const auto& gains = decision.gains[aim];
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j)
    sum += constraint.charges[j][gain::place(gains, layout.partition, j, assignment)];
  return sum + offset(constraint);
}

}  // namespace gainsweep::pipeline

#pragma once

#include <string>
#include <vector>

#include "pipeline/decision.hpp"
#include "solve/solve.hpp"

namespace gainsweep::pipeline {

/// The exact program of an aim: a group a sub-graph, a choice for each configuration that can be
/// had; the loss error is the first resource, the aim's constraints follow.
class ExactProgram {
 public:
  /// `errors` are the decision's, or those of a resample; `budget` is the limit on their sum, or
  /// the amount of the aim's resource that is allowed. Refers to layout and decision.
  ExactProgram(const Layout& layout, const Decision& decision,
               const sensitivity::LossErrors& errors, std::size_t aim, double budget = 0);

  const solve::Problem& problem() const { return problem_; }

  /// The assignment of a selection of its choices.
  graph::Assignment assignment(const std::vector<std::size_t>& choices) const;

  /// The program's plan and CBC's word on it. Error(input) when no plan keeps the limits, with what
  /// would help.
  solve::Outcome solve() const;

  /// The plan under another budget by the dynamic program alone; without a plan where nothing keeps
  /// the limits.
  solve::Solution plan(double budget);

 private:
  [[noreturn]] void refuse() const;

  const Layout& layout_;
  const Decision& decision_;
  std::size_t aim_;
  double budget_;
  solve::Problem problem_;
  std::vector<std::vector<std::size_t>> configurations_;  ///< by [group][choice]
};

/// What an assignment takes of a constraint's resource, in the resource's unit. Infinite where a
/// configuration cannot be had.
double amount(const Layout& layout, const Decision& decision, std::size_t aim,
              const Constraint& constraint, const graph::Assignment& assignment);

}  // namespace gainsweep::pipeline

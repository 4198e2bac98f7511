#pragma once

#include <string>
#include <vector>

#include "spec/spec.hpp"

namespace gainsweep::pipeline {

/// What plans are made for: the largest gain of an objective under thresholds, or the least loss
/// error within budgets of a resource.
struct Aim {
  std::string objective;     ///< row of gain::objectives(); of a budget what saves the resource
  std::string resource{};    ///< row of gain::resources(); empty without a budget
  std::vector<double> grid;  ///< thresholds, or budgets in the resource's unit; rising

  bool is_budget() const { return !resource.empty(); }
};

/// The spec's objectives, then the resources that it has budgets of.
std::vector<Aim> aims(const spec::SolveSpec& spec);

}  // namespace gainsweep::pipeline

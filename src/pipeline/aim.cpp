#include "pipeline/aim.hpp"

#include "gain/resource.hpp"

namespace gainsweep::pipeline {

std::vector<Aim> aims(const spec::SolveSpec& spec) {
  std::vector<Aim> all;
  for (const auto& objective : spec.objectives) all.push_back({objective, {}, spec.thresholds});
  for (const auto& [resource, budgets] : spec.budgets)
    all.push_back({gain::resources().at(resource).objective, resource, budgets});
  return all;
}

}  // namespace gainsweep::pipeline

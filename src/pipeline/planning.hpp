#pragma once

#include <memory>
#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// The fourth stage: plans and frontiers from what was measured. A unit is an objective × a
/// strategy × a threshold, or the frontier of an objective.
namespace gainsweep::pipeline {

batch::Stage planning(Bench bench);

/// The decision that the results lead to; null while what it comes from is not over, or where no
/// sample was scored.
struct DecisionState {
  std::shared_ptr<const Decision> value;
  std::vector<std::string> obstacles;
};
DecisionState decision_state(const Bench& bench, const batch::Results& results);

}  // namespace gainsweep::pipeline

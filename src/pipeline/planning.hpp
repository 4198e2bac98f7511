#pragma once

#include <memory>
#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/savings.hpp"
#include "pipeline/workbench.hpp"

/// The last stage: plans and frontiers from what was measured, and what the plans really do. It
/// ends when every strategy has answered and every plan that the spec names was evaluated. A unit
/// is an objective × a strategy × a threshold, the frontier of an objective, an assignment × a
/// chunk of samples, or a round of an assignment's times.
namespace gainsweep::pipeline {

batch::Stage planning(Bench bench);

/// The decision that the results lead to; null while what it comes from is not over, or where no
/// sample was scored.
struct DecisionState {
  std::shared_ptr<const Decision> value;
  std::vector<std::string> obstacles;
};
DecisionState decision_state(const Bench& bench, const batch::Results& results);

/// What a decision follows from, once it is there.
Measured measured(const Bench& bench, const batch::Results& results);

/// All that was timed, sub-graphs before plans.
std::vector<TimedContest> all_contests(const Bench& bench, const batch::Results& results);

/// The assignments of all plans that are known (see told).
std::vector<graph::Assignment> told_plans(const Bench& bench, const batch::Results& results);

/// The plans that losses were measured of, in the order of their rows.
std::vector<Evaluated> evaluated_plans(const Bench& bench, const batch::Results& results);

}  // namespace gainsweep::pipeline

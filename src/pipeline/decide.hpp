#pragma once

#include <optional>
#include <vector>

#include "gain/gain.hpp"
#include "pipeline/layout.hpp"
#include "pipeline/record.hpp"
#include "pipeline/unit.hpp"
#include "sensitivity/loss_error.hpp"
#include "spec/spec.hpp"

/// The solve stage: everything between measured numbers and plans, without the model.
namespace gainsweep::pipeline {

/// What the measuring stages left behind.
struct Measured {
  std::vector<sensitivity::ScoreRecord> scores;  ///< of the samples that succeeded, in order
  /// Timings of each sub-graph; set when the objective `time` is asked for. A sub-graph that could
  /// not be timed has the all-high configuration alone.
  std::optional<gain::MeasuredTimes> times;
};

/// Numbers that every plan of a spec is made from.
struct Decision {
  sensitivity::LossErrors errors;
  std::vector<gain::GainTable> gains;  ///< one an objective of the spec, in its order
  std::vector<std::string> digests;    ///< one an objective: of its gains and the errors
};

/// Loss errors under the spec's noise and the gain table of every objective. Error(input) when no
/// sample was scored, Error(config) when `time` is asked for and nothing was timed.
Decision decide(const Layout& layout, const spec::Spec& spec, const Measured& measured);

/// One unit per objective, threshold and strategy, then one frontier per objective.
std::vector<Unit> plan_units(const spec::Spec& spec, const Decision& decision);

/// The record of one such unit.
archive::Record run_plan_unit(const Unit& unit, const Layout& layout, const spec::Spec& spec,
                              const Decision& decision);

/// What a plan unit is about.
struct PlanPoint {
  std::size_t objective = 0;  ///< index into the spec's objectives
  bool is_frontier = false;
  std::size_t threshold = 0;  ///< index into the spec's thresholds
  solve::Strategy strategy = solve::Strategy::ip;
};
std::vector<PlanPoint> plan_points(const spec::SolveSpec& spec);

/// Gains of `decision` as tables `gains/<objective>`.
std::vector<archive::Table> gain_tables(const Layout& layout, const spec::Spec& spec,
                                        const Decision& decision);

/// "ns", "1" or "byte".
const char* gain_units(gain::Objective objective);

}  // namespace gainsweep::pipeline

#pragma once

#include <vector>

#include "pipeline/decide.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/unit.hpp"

namespace gainsweep::pipeline {

/// The stages in the order of a run.
std::vector<Stage> stages();

/// Units of a stage that the spec and the results so far call for, finished ones included; the same
/// on every rank. A stage is over when all of them have a record: `latency` and `evaluate` name
/// further rounds until their stopping rule is met.
std::vector<Unit> enumerate(const Experiment& experiment, const Results& results, Stage stage);

/// Digests of a stage's first units before anything is known, equal where units will be equal: what
/// points of a sweep share. Empty for stages whose units follow from results alone.
std::vector<std::string> forecast(const Experiment& experiment, Stage stage);

/// Why a stage has no units although the spec asks for it: a failed unit that it builds on. Empty
/// where nothing stands in its way.
std::string obstacle(const Experiment& experiment, const Results& results, Stage stage);

/// Largest magnitudes over the observed samples; empty when no format needs them. Error(internal)
/// when one of the samples was not observed.
lower::Maxima collect_maxima(const Experiment& experiment, const Results& results);

/// Scores and timings among the results.
Measured collect_measured(const Experiment& experiment, const Results& results);

/// The decision that the results lead to.
Decision collect_decision(const Experiment& experiment, const Results& results);

}  // namespace gainsweep::pipeline

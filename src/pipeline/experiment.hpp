#pragma once

#include <memory>
#include <string>
#include <vector>

#include "execute/program.hpp"
#include "gain/gain.hpp"
#include "lower/pass.hpp"
#include "model/llama.hpp"
#include "pipeline/layout.hpp"
#include "spec/spec.hpp"

namespace gainsweep::pipeline {

/// A class of sub-graphs (or one sub-graph) whose configurations are timed together.
struct TimingTarget {
  std::string table;                                 ///< "latency/class_3"
  std::string label;                                 ///< the first member's name
  std::vector<SubgraphId> lowered;                   ///< lowered together in each timed program
  std::vector<SubgraphId> applies_to;                ///< sub-graphs that take the gain
  std::vector<graph::Configuration> configurations;  ///< all-high first
};

/// The targets a spec asks for; those with nothing to choose are left out.
std::vector<TimingTarget> timing_targets(const Layout& layout, const spec::LatencySpec& spec);

/// Each sub-graph's configurations and timings from the rounds of the target that applies to it,
/// given by target; one without rounds has the all-high configuration alone.
gain::MeasuredTimes assign_times(const Layout& layout, const std::vector<TimingTarget>& targets,
                                 const std::vector<std::vector<latency::Timings>>& rounds);

/// Everything a run's units depend on, opened once a process.
struct Experiment {
  spec::Spec spec;
  std::shared_ptr<const model::Model> model;
  graph::Graph graph;          ///< batch 1, the calibration length, with loss
  graph::Graph latency_graph;  ///< the latency workload, without loss
  lower::Target target;
  Layout layout;
  std::vector<TimingTarget> timing_targets;
  std::vector<execute::Batch> calibration;
  std::vector<execute::Batch> evaluation;
  execute::Environment environment;
  std::string model_digest;  ///< see open()
};

/// Opens model and tokens, makes graphs and partition. All that can be wrong with the inputs is
/// found here: Error(config) or Error(input). Files are not read for the model's digest, which only
/// units' keys need: whoever enumerates units sets it (ranks share that work). `other` lends its
/// model, digest included, where the checkpoint is the same.
Experiment open(const spec::Spec& spec, const Experiment* other = nullptr);

/// What timed programs run in: the high format's own precision.
execute::Precision timed_precision(const spec::Spec& spec);

/// Number formats whose static activation scales need observed maxima.
bool needs_maxima(const spec::Spec& spec);

}  // namespace gainsweep::pipeline

#pragma once

#include <string>
#include <vector>

#include "gain/time_table.hpp"
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

/// Each sub-graph's times from the rounds of the target that applies to it, given by target; one
/// without rounds has the all-high configuration alone. Intervals have the spec's confidence.
gain::Times assign_times(const Layout& layout, const spec::Spec& spec,
                         const std::vector<TimingTarget>& targets,
                         const std::vector<std::vector<latency::Timings>>& rounds);

/// What the configurations of each timed table are, for readers of its raw seconds: the table
/// `timed_configurations`.
archive::Table to_table(const Layout& layout, const std::vector<TimingTarget>& targets);

}  // namespace gainsweep::pipeline

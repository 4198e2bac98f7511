#pragma once

#include <optional>
#include <string>
#include <vector>

#include "latency/measure.hpp"
#include "lower/pass.hpp"
#include "pipeline/course.hpp"
#include "pipeline/timing_target.hpp"

/// The programs of a contest: configurations of sub-graphs, or a whole plan, beside all-high.
namespace gainsweep::pipeline {

struct Workbench;

/// A segment of the latency graph that is timed alone.
struct TimedLeg {
  Leg leg;
  graph::Partition partition;  ///< its sub-graphs
  execute::Inputs inputs;
  std::size_t times = 0;  ///< segments of its structure; 0 for all but the first of them
};

/// The latency graph as it is timed.
struct TimedGraph {
  graph::Partition partition;
  execute::Inputs inputs;
  std::vector<TimedLeg> legs;  ///< in scope `subgraph`
};

/// The programs of the contest that runs on this rank; consecutive rounds share them.
struct TimedPrograms {
  std::optional<TimedGraph> graph;
  std::string about;  ///< table or plan; empty without a contest
  std::optional<latency::Contest> contest;
  std::vector<std::string> kernels;

  /// Frees everything of the contest.
  void end();
};

/// Bytes that pass through the caches before each run of a segment: the parameters of the others,
/// as far as they can matter.
std::size_t passing_bytes(const graph::Graph& whole, const graph::Graph& segment);

/// Makes the programs of a target's configurations, unless they are there. In scope `subgraph`
/// these are the segment that holds the sub-graph, and the whole is one segment of each structure.
void prepare(Workbench& bench, const TimingTarget& target, const lower::Maxima& maxima);
/// Makes those of all-high and a plan.
void prepare(Workbench& bench, const graph::Assignment& plan, const std::string& plan_key,
             const lower::Maxima& maxima);

}  // namespace gainsweep::pipeline

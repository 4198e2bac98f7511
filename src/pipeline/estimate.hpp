#pragma once

#include <string>
#include <vector>

#include "pipeline/experiment.hpp"
#include "pipeline/unit.hpp"

namespace gainsweep::pipeline {

/// What a stage is going to cost.
struct StageEstimate {
  Stage stage = Stage::observe;
  std::size_t units = 0;  ///< at least, where later rounds or plans depend on results
  double seconds = 0;     ///< on one rank
};

struct Estimate {
  std::vector<StageEstimate> stages;
  std::int64_t parameter_bytes = 0;  ///< mapped, shared by the ranks of a node
  std::int64_t rank_bytes = 0;       ///< owned by each rank at its largest stage
  double gflops_score = 0;           ///< measured by one short matrix product: scoring precision
  double gflops_latency = 0;         ///< the same in the latency stage's precision
};

/// Units, time and memory before any work: counts from the spec, times from operation counts and
/// the speed of one short matrix product measured here, memory from value sizes and lifetimes.
Estimate estimate(const Experiment& experiment);

/// Bytes of a graph's intermediate values: the most alive at once, and all of them (what a backward
/// pass keeps at most).
struct ActivationBytes {
  std::int64_t peak = 0;
  std::int64_t total = 0;
};
ActivationBytes activation_bytes(const graph::Graph& graph, std::int64_t bytes_of_real);

}  // namespace gainsweep::pipeline

#pragma once

#include <cstdint>
#include <set>

#include "execute/stretches.hpp"
#include "pipeline/subject.hpp"

/// What stages hold of a rank's memory, before any work, from value sizes and lifetimes; and how
/// fast this machine is.
namespace gainsweep::pipeline {

/// Speed of the model's first linear layer behind its embedding, the fastest of a few runs.
struct Speed {
  double gflops = 0;       ///< GFLOP/s
  bool disturbed = false;  ///< most runs were far slower: others use the processors
};

/// In a precision; measured once a process for each model and precision.
const Speed& measured_speed(const Subject& subject, execute::Precision precision);

/// How a scoring pass is cut to fit into the subject's `rank_memory`, beside the weights.
execute::Stretches scoring_stretches(const Subject& subject, const graph::Graph& probed);

/// Bytes of a rank's own in each stage, and of the mapped checkpoint.
std::int64_t observing_bytes(const Subject& subject);
std::int64_t scoring_bytes(const Subject& subject);
std::int64_t timing_bytes(const Subject& subject);
/// Of all-high and a plan as they are timed, which stay beside evaluations; 0 where plans are not.
std::int64_t plan_timing_bytes(const Subject& subject);
std::int64_t checkpoint_bytes(const Subject& subject);

/// Parameters that something else than a look-up of rows reads: tables of embeddings are never
/// converted.
std::set<graph::ValueId> multiplied(const graph::Graph& graph);

/// Bytes of a graph's intermediate values: the most alive at once, and all of them (what a backward
/// pass keeps at most).
struct ActivationBytes {
  std::int64_t peak = 0;
  std::int64_t total = 0;
};
ActivationBytes activation_bytes(const graph::Graph& graph, std::int64_t bytes_of_real);

}  // namespace gainsweep::pipeline

#pragma once

#include <cstdint>
#include <vector>

#include "format/format.hpp"
#include "gain/objective.hpp"
#include "graph/partition.hpp"
#include "latency/timings.hpp"

/// What each configuration of each sub-graph saves against the all-high one.
namespace gainsweep::gain {

/// Configurations and gains by [sub-graph][configuration]; configuration 0 is all-high, gain 0.
struct GainTable {
  Objective objective = Objective::time;
  std::vector<std::vector<graph::Configuration>> configurations;
  std::vector<std::vector<std::int64_t>> gains;  ///< ns, MAC times or bytes
};

/// Gains in theoretical time, multiply-accumulates at rate 1: `Σ_op MACs · (1/rate_high −
/// 1/rate_f)`. `rates` by FormatId.
GainTable macs(const graph::Partition& partition, const std::vector<double>& rates);

/// Bytes of weights and their scales saved. A weight that something else reads too (a tied
/// embedding) keeps its high copy, so its gain is negative.
GainTable memory(const graph::Partition& partition, const std::vector<format::Format>& formats);

/// Configurations and timings of the measured classes or members.
struct MeasuredTimes {
  /// By [sub-graph]: configurations timed and their timings, and among how many members of the
  /// class one timed run's gain is divided.
  struct Entry {
    std::vector<graph::Configuration> configurations;
    latency::Timings timings;
    std::size_t members = 1;
  };
  std::vector<Entry> subgraphs;
};

/// Median paired differences, in ns.
GainTable time(const MeasuredTimes& measured);

/// The gain of an assignment: the sum over sub-graphs of its configuration's. Error(internal) for a
/// configuration the table does not hold.
std::int64_t total(const GainTable& table, const graph::Partition& partition,
                   const graph::Assignment& assignment);

}  // namespace gainsweep::gain

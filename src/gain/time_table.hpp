#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/partition.hpp"
#include "latency/timings.hpp"

namespace gainsweep::gain {

/// What a configuration saves in one run, in seconds, with its interval; negative where it costs.
struct Saving {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Times of one sub-graph, whoever made them.
struct TimeTable {
  std::vector<graph::Configuration> configurations;  ///< all-high first
  std::vector<Saving> savings;                       ///< by configuration, 0 for all-high
  double reference = 0;     ///< seconds of the all-high run that savings are against
  std::size_t members = 1;  ///< sub-graphs lowered together, among which a saving is divided
  std::string source = "measured";  ///< a row of latency::sources
};

/// Times of a whole model by sub-graph. One without times has the all-high configuration alone.
using Times = std::vector<TimeTable>;

/// A table of measured times: medians of paired differences with their 95 % interval, the median
/// all-high time as reference.
TimeTable measured(std::vector<graph::Configuration> configurations,
                   const latency::Timings& timings, std::size_t members);

/// Savings of a member in whole ns, divided among the members before they are rounded.
std::vector<std::int64_t> gains(const TimeTable& table);

}  // namespace gainsweep::gain

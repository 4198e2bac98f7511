#pragma once

#include <string>

#include "archive/table.hpp"

namespace gainsweep::pipeline {

/// Where times come from that were not measured here.
struct TimeSource {
  std::string kind;  ///< `latency.source`
  std::string device;
  std::string digest;   ///< of the file that says so
  std::string assumed;  ///< keys of the file whose values nobody published
  std::string sources;
  double baseline = 0, baseline_low = 0, baseline_high = 0;  ///< seconds of an all-high run
};

/// The archive's table `time_source`.
archive::Table to_table(const TimeSource& source);

}  // namespace gainsweep::pipeline

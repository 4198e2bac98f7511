#pragma once

#include <cstdint>

namespace gainsweep::latency {

/// When programs are warm, and when their times are known well enough.
struct StoppingRule {
  std::int64_t warmup = 5;        ///< least runs before timing
  std::int64_t repetitions = 40;  ///< most blocks of a unit
  std::int64_t least_repetitions = 10;
  double precision = 0.02;  ///< stop when every interval is narrower than this part of the baseline
  double confidence = 0.95;
  double budget_seconds = 60;  ///< most seconds of one unit
};

}  // namespace gainsweep::latency

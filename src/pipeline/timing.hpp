#pragma once

#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// The third stage, where the objective `time` is asked for and times are measured: times of the
/// configurations of each timing target. A unit is a round of blocks, and has the device for
/// itself.
namespace gainsweep::pipeline {

batch::Stage timing(Bench bench);

/// Whether every unit of the stage is over, and the finished rounds of each target.
struct TimingState {
  bool is_over = false;
  std::vector<std::vector<latency::Timings>> rounds;
};
TimingState timing_state(const Bench& bench, const batch::Results& results);

}  // namespace gainsweep::pipeline

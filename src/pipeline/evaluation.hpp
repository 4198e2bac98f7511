#pragma once

#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// The fifth stage: losses and times of chosen plans. A unit is an assignment on all evaluation
/// samples, or a round of its times.
namespace gainsweep::pipeline {

batch::Stage evaluation(Bench bench);

}  // namespace gainsweep::pipeline

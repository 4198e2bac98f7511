#pragma once

#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// The fifth stage: losses and times of chosen plans. A unit is an assignment on all evaluation
/// samples, or a round of its times.
namespace gainsweep::pipeline {

batch::Stage evaluation(Bench bench);

/// The loss of each sample in order. Error(input) naming a sample whose loss is not finite.
std::vector<double> losses(execute::Program& program, const std::vector<execute::Batch>& samples,
                           execute::Device device);

}  // namespace gainsweep::pipeline

#pragma once

#include <vector>

#include "execute/program.hpp"

/// What a plan really does: losses of held-out samples in fake-quantised numerics.
namespace gainsweep::evaluate {

/// The loss of every sample, in order; fp32 arithmetic on both sides of a comparison.
/// Error(input) naming the sample when a loss is not finite.
std::vector<double> losses(execute::Program& program, const std::vector<execute::Batch>& samples,
                           execute::Device device);

}  // namespace gainsweep::evaluate

#pragma once

#include "sensitivity/record.hpp"

namespace gainsweep::sensitivity {

/// Scores of one sample: one forward and one backward pass in the prober's precision. Error(input)
/// naming the op when the loss or a gradient is not finite.
ScoreRecord score(execute::Prober& prober, const execute::Inputs& inputs);

}  // namespace gainsweep::sensitivity

#pragma once

#include <optional>
#include <span>
#include <string>

#include "execute/outcome.hpp"

namespace gainsweep::pipeline {

/// What an assignment makes of one sample.
struct Compared {
  double loss = 0;
  std::optional<execute::Confidence> confidence{};  ///< of its own predictions
  execute::Departure departure{};                   ///< of these from those of all-high
};

/// `weights` are those of the sample's targets. Error(input) naming the sample where a number is
/// not finite.
Compared compare(const execute::Outcome& high, const execute::Outcome& low,
                 std::span<const float> weights, const std::string& name);

/// Where the loss is the divergence from all-high: what all-high's own loss grows by.
void take_divergence(Compared& compared, const execute::Outcome& high);

}  // namespace gainsweep::pipeline

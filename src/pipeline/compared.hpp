#pragma once

#include <optional>
#include <string>

#include "execute/outcome.hpp"
#include "model/sample.hpp"

namespace gainsweep::pipeline {

/// What an assignment makes of one sample.
struct Compared {
  double loss = 0;
  std::optional<execute::Confidence> confidence{};  ///< of its own predictions
  execute::Departure departure{};                   ///< of these from those of all-high
  execute::Hits hits{};                             ///< of these, and with those of all-high
};

/// `sample` has the targets, if there are any, and their weights. Error(input) naming the sample
/// where a number is not finite.
Compared compare(const execute::Outcome& high, const execute::Outcome& low,
                 const model::Sample& sample, const std::string& name);

/// Where the loss is the divergence from all-high: what all-high's own loss grows by.
void take_divergence(Compared& compared, const execute::Outcome& high);

}  // namespace gainsweep::pipeline

#pragma once

#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"
#include "sensitivity/anchor.hpp"

/// What rounding does to the loss on average: the first calibration samples in the high format and
/// with every op in each low one. A unit is a sample; a few that a rank does one after the other
/// are run together, so that they share rounded weights.
namespace gainsweep::pipeline {

batch::Stage anchor(Bench bench);

/// Whether every unit of the stage is over, and what came of them.
struct AnchorState {
  bool is_over = false;
  std::vector<std::string> keys;  ///< of those that succeeded, in the order of the samples
};
AnchorState anchor_state(Workbench& bench, const batch::Results& results);

/// Records of anchors and back. Error(input) for a record of another number of low formats.
batch::Fields to_fields(std::size_t sample, const sensitivity::AnchorRecord& anchors);
sensitivity::AnchorRecord to_anchors(const archive::Record& record, std::size_t num_low_formats);

}  // namespace gainsweep::pipeline

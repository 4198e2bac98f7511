#pragma once

#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "execute/probe.hpp"
#include "pipeline/workbench.hpp"

/// The second stage: one forward and one backward pass a calibration sample. A unit is a sample.
namespace gainsweep::pipeline {

batch::Stage score(Bench bench);

/// Whether every unit of the stage is over, and what came of them.
struct ScoreState {
  bool is_over = false;
  std::vector<std::string> keys;  ///< of those that succeeded, in the order of the samples
};
ScoreState score_state(Workbench& bench, const batch::Results& results);

/// Keys of all calibration samples' units, in their order.
const std::vector<std::string>& score_keys(Workbench& bench, const batch::Results& results);

/// Records of scored samples and back. Error(input) for a record of other ops or formats.
batch::Fields to_fields(std::size_t sample, const execute::ProbeRecord& score,
                        const std::vector<graph::Op>& ops, std::size_t num_low_formats);
execute::ProbeRecord to_score(const archive::Record& record, const std::vector<graph::Op>& ops,
                              std::size_t num_low_formats);

}  // namespace gainsweep::pipeline

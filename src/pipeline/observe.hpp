#pragma once

#include <span>
#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// The first stage: largest magnitudes of activations over the first calibration samples, for
/// static scales. A unit is a sample; one more looks at the weights.
namespace gainsweep::pipeline {

batch::Stage observe(Bench bench);

/// Whether a format has static scales, so that samples are observed.
bool has_static_scales(const std::vector<format::Format>& formats);

/// What the stage has found, or what stands in its way.
struct ObservedState {
  const Observed* value = nullptr;     ///< null while a sample is missing or has failed
  std::vector<std::string> obstacles;  ///< a sentence a failed sample
  std::string digest;  ///< of the maxima; while they are missing, what stands for it in keys
};
ObservedState observed_state(Workbench& bench, const batch::Results& results);

/// The element-wise maximum over samples; independent of their order. Error(internal) without
/// samples or when their ops differ.
lower::Maxima merge(std::span<const lower::Maxima> samples);

/// What the stage would find, computed here and now.
lower::Maxima observe_now(const Subject& subject);

/// Records of observed samples and back.
batch::Fields to_fields(std::size_t sample, const lower::Maxima& maxima,
                        const std::vector<graph::Op>& ops);
lower::Maxima to_maxima(const archive::Record& record, const std::vector<graph::Op>& ops);

}  // namespace gainsweep::pipeline

#pragma once

#include <vector>

#include "batch/results.hpp"
#include "execute/probe.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"
#include "pipeline/workbench.hpp"

/// Ops that calibration says nothing about: of a mixture, the experts that no token chose.
namespace gainsweep::pipeline {

/// Of ops whose activations are zeros alone in the samples that static scales are taken from; none
/// where there are no such ops.
std::vector<model::Note> unobserved(const std::vector<graph::Op>& ops, const lower::Maxima& maxima);

/// Of ops that no scored sample's loss depends on; none where there are no such ops.
std::vector<model::Note> without_effect(const std::vector<graph::Op>& ops,
                                        const std::vector<execute::ProbeRecord>& scores);

/// Both, of what is known so far.
std::vector<model::Note> unreached(const Bench& bench, const batch::Results& results);

}  // namespace gainsweep::pipeline

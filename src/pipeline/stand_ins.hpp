#pragma once

#include <vector>

#include "graph/partition.hpp"
#include "pipeline/plans.hpp"

namespace gainsweep::pipeline {

/// Plans that stand for the answers to questions before any loss error is known, each once: every
/// op costs the same, and thresholds, in their order, allow more and more of the ops to be low,
/// budgets fewer and fewer. An exact program lowers ops anywhere, those of a smaller threshold
/// among them. For forecasts.
std::vector<graph::Assignment> stand_ins(const Layout& layout, const spec::Spec& spec,
                                         const std::vector<Question>& questions);

}  // namespace gainsweep::pipeline

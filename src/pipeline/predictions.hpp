#pragma once

#include <vector>

#include "archive/table.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {

/// What is predicted of evaluated plans under every noise and loss model, with 95 % bootstrap
/// intervals over calibration samples: tables `predictions`, and the ops' loss errors under every
/// noise, table `loss_errors`. Pure.
std::vector<archive::Table> prediction_tables(const Layout& layout, const spec::Spec& spec,
                                              const Measured& measured,
                                              const std::vector<Evaluated>& plans);

}  // namespace gainsweep::pipeline

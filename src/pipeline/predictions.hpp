#pragma once

#include <vector>

#include "archive/table.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {

/// What predictions come from and what is predicted, pure: of evaluated plans under every noise and
/// loss model of the kind of loss with 95 % intervals, table `predictions`; of ops under every
/// noise, `loss_errors`; what anchors say, `mean_changes` and `bias_rates`.
std::vector<archive::Table> prediction_tables(const Layout& layout, const spec::Spec& spec,
                                              const Measured& measured,
                                              const std::vector<Evaluated>& plans);

}  // namespace gainsweep::pipeline

#pragma once

#include <vector>

#include "pipeline/layout.hpp"

namespace gainsweep::pipeline {

/// Configurations that the objective `time` may give a sub-graph, all-high first.
std::vector<graph::Configuration> timed_configurations(const Layout& layout,
                                                       const graph::Subgraph& subgraph);

}  // namespace gainsweep::pipeline

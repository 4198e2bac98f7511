#pragma once

#include <optional>

#include "graph/graph.hpp"
#include "model/model.hpp"

namespace gainsweep::model {

/// The input of graphs that draw their targets: a number of [0, 1) for each.
constexpr const char* draws_input = "draws";

/// Makes a graph's outputs of class scores, [targets…, classes]; those about targets add the input
/// `labels`, unless `targets` (a row) are given, and the mean loss of a weighted workload
/// `weights`.
void add_outputs(graph::Graph& graph, graph::ValueId scores, const Workload& workload,
                 std::optional<graph::ValueId> targets = {});

}  // namespace gainsweep::model

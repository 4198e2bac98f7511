#pragma once

#include <vector>

#include "graph/partition.hpp"
#include "graph/sequential.hpp"

namespace gainsweep::graph {

/// Fused groups of each sub-graph as positions in it, in rising order: two or more linear layers
/// with a weight of their own that read one value and are computed for the same part of its rows.
/// Those that lead to an attention matmul of the sub-graph with no op in between are a group, and
/// those that do not another; `qkv` takes the former alone. Error(config) where a rule that asks
/// for groups finds none.
std::vector<std::vector<OpGroup>> fused_groups(const Graph& graph, const std::vector<Op>& ops,
                                               const std::vector<OpGroup>& subgraphs,
                                               FusedLayers rule);

}  // namespace gainsweep::graph

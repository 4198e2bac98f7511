#pragma once

#include <vector>

#include "graph/partition.hpp"

namespace gainsweep::graph {

/// The given nodes and every node on a data path between two of them, in topological order.
std::vector<NodeId> region_between(const Graph& graph, std::vector<NodeId> op_nodes);

/// For each output of the region's nodes, in order: whether it is read outside the region or by
/// nobody. `reads` is count_reads(graph).
std::vector<bool> escapes(const Graph& graph, const std::vector<NodeId>& region,
                          const std::vector<std::size_t>& reads);

}  // namespace gainsweep::graph

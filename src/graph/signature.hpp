#pragma once

#include <string>
#include <vector>

#include "graph/partition.hpp"

/// What makes pieces of graphs alike.
namespace gainsweep::graph {

/// A text that is equal for two sub-graphs exactly when their regions have the same calls,
/// attributes, shapes, wiring, quantizable ops, ties and fused groups. Names, paths and the numbers
/// in constants do not enter it.
std::string signature(const Graph& graph, const std::vector<Op>& ops, const Subgraph& subgraph,
                      const std::vector<std::size_t>& reads);

/// The same for whole graphs and their outputs.
std::string signature(const Graph& graph);

}  // namespace gainsweep::graph

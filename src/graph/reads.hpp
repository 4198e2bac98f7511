#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.hpp"

/// What reads what, by value.
namespace gainsweep::graph {

/// Whether each value depends on an input of the graph.
std::vector<bool> depends_on_inputs(const Graph& graph);

/// Number of times each value is read by nodes; being a graph output counts once.
std::vector<std::size_t> count_reads(const Graph& graph);

/// Argument `index` of a node, none when it is left to the schema's default.
Argument argument_or_none(const Node& node, std::size_t index);

}  // namespace gainsweep::graph

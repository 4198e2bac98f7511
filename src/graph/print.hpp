#pragma once

#include <string>

#include "graph/graph.hpp"
#include "graph/partition.hpp"

namespace gainsweep::graph {

/// "[1, 256, 64]"
std::string to_text(const Shape& shape);

/// The graph as text, one node a line: `%12 = aten::linear(%3, q_proj.weight) : real[1, 256, 64]  #
/// path`.
std::string to_text(const Graph& graph);

/// The graph in Graphviz DOT, quantizable ops coloured by sub-graph when a partition is given.
std::string to_dot(const Graph& graph, const Partition* partition = nullptr);

}  // namespace gainsweep::graph

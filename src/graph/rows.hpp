#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::graph {

/// A graph around a linear layer that is computed in blocks of its outputs, as graphs of their own.
struct InRows {
  std::optional<Graph> before{};  ///< gives what the layer reads; none where that is an input
  std::vector<Graph> blocks{};    ///< of that input: the layer with some rows of its weight
  Graph after{};                  ///< its first inputs are the blocks' outputs, joined in it
};

/// Cuts a graph around an `aten::linear` of a parameter without bias, `rows` of whose weight make a
/// block. Nothing where the layer is another one, or what follows it reads anything that is
/// computed before it from the graph's first input.
std::optional<InRows> in_rows(const Graph& graph, NodeId linear, std::int64_t rows);

}  // namespace gainsweep::graph

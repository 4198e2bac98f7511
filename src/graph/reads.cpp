#include "graph/reads.hpp"

#include <algorithm>

namespace gainsweep::graph {

std::vector<bool> depends_on_inputs(const Graph& graph) {
  std::vector<bool> depends(graph.values.size());
  for (const ValueId id : graph.inputs) depends[id.index] = true;
  for (const Node& node : graph.nodes) {
    const auto read = values_read(node);
    const bool any =
        std::any_of(read.begin(), read.end(), [&](ValueId id) { return depends[id.index]; });
    for (const ValueId id : node.outputs) depends[id.index] = any;
  }
  return depends;
}

std::vector<std::size_t> count_reads(const Graph& graph) {
  std::vector<std::size_t> reads(graph.values.size());
  for (const Node& node : graph.nodes) {
    for (const ValueId id : values_read(node)) ++reads[id.index];
  }
  for (const ValueId id : graph.outputs) ++reads[id.index];
  return reads;
}

Argument argument_or_none(const Node& node, std::size_t index) {
  if (index >= node.arguments.size()) return {};
  const auto& argument = node.arguments[index];
  return std::holds_alternative<Default>(argument) ? Argument{} : argument;
}

}  // namespace gainsweep::graph

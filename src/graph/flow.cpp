#include "graph/flow.hpp"

#include <algorithm>

#include "graph/ops.hpp"

namespace gainsweep::graph {

Flow trace_flow(const Graph& graph, const std::vector<Op>& ops, const OpSet& left_out) {
  auto op_of = op_of_node(graph, ops);
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (left_out[i]) op_of[ops[i].node.index] = no_op;
  Flow flow{.ancestors = std::vector(ops.size(), OpSet(ops.size())),
            .nearest = std::vector(graph.values.size(), OpSet(ops.size()))};
  std::vector<OpSet> reached(graph.nodes.size(), OpSet(ops.size()));  // by node, itself included
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    OpSet nearest(ops.size());
    for (const ValueId id : values_read(graph.nodes[i])) {
      const auto& producer = graph.value(id).producer;
      if (!producer) continue;
      reached[i] |= reached[producer->index];
      nearest |= flow.nearest[id.index];
    }
    if (op_of[i] != no_op) {
      flow.ancestors[op_of[i]] = reached[i];
      reached[i].set(op_of[i]);
      nearest.reset().set(op_of[i]);
    }
    for (const ValueId id : graph.nodes[i].outputs) flow.nearest[id.index] = nearest;
  }
  return flow;
}

}  // namespace gainsweep::graph

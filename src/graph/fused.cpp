#include "graph/fused.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "graph/ops.hpp"

namespace gainsweep::graph {
namespace {

/// By value the sub-graphs whose attention matmuls read it, or what is made of it without an op.
std::vector<std::set<std::size_t>> attended(const Graph& graph, const std::vector<Op>& ops,
                                            const std::vector<std::size_t>& subgraph_of) {
  std::vector<std::set<std::size_t>> by(graph.values.size());
  const auto op_of = op_of_node(graph, ops);
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    std::set<std::size_t> own;
    if (op_of[n] == no_op) {
      for (const auto id : graph.nodes[n].outputs)
        own.insert(by[id.index].begin(), by[id.index].end());
    } else if (ops[op_of[n]].kind == OpKind::matmul) {
      own.insert(subgraph_of[op_of[n]]);
    }
    for (const auto id : values_read(graph.nodes[n])) by[id.index].insert(own.begin(), own.end());
  }
  return by;
}

}  // namespace

std::vector<std::vector<OpGroup>> fused_groups(const Graph& graph, const std::vector<Op>& ops,
                                               const std::vector<OpGroup>& subgraphs,
                                               FusedLayers rule) {
  std::vector<std::vector<OpGroup>> fused(subgraphs.size());
  if (rule == FusedLayers::none) return fused;
  std::vector<std::size_t> subgraph_of(ops.size());
  for (std::size_t j = 0; j < subgraphs.size(); ++j)
    for (const auto op : subgraphs[j]) subgraph_of[op] = j;
  const auto by = attended(graph, ops, subgraph_of);
  for (std::size_t j = 0; j < subgraphs.size(); ++j) {
    std::map<std::tuple<ValueId, double, bool>, OpGroup> readers;
    for (std::size_t place = 0; place < subgraphs[j].size(); ++place) {
      const auto& op = ops[subgraphs[j][place]];
      if (!is_weighted_linear(op)) continue;
      const auto& node = graph.node(op.node);
      const bool leads = by[node.outputs.front().index].contains(j);
      if (rule == FusedLayers::qkv && !leads) continue;
      readers[{op.operands.front().value, node.needed, leads}].push_back(place);
    }
    for (auto& [what, places] : readers)
      if (places.size() > 1) fused[j].push_back(std::move(places));
    std::sort(fused[j].begin(), fused[j].end());
  }
  if (std::any_of(fused.begin(), fused.end(), [](const auto& own) { return !own.empty(); }))
    return fused;
  throw Error(
      ErrorKind::config,
      "partition.fused finds nothing to fuse (it takes linear layers of one sub-graph "
      "that read the same value" +
          std::string(rule == FusedLayers::qkv ? " and lead to its attention matmuls" : "") +
          "). Set it to none, or leave these ops in one sub-graph: `rule: sequential`, "
          "without a `split` of them.");
}

}  // namespace gainsweep::graph

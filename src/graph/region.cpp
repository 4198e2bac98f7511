#include "graph/region.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/error.hpp"
#include "graph/excerpt.hpp"
#include "graph/reads.hpp"

namespace gainsweep::graph {
namespace {

/// Marks over the nodes from `first` on.
class NodeMarks {
 public:
  NodeMarks(std::size_t first, std::size_t last) : first_(first), marks_(last - first + 1) {}
  void set(std::size_t node) {
    if (node >= first_) marks_[node - first_] = true;
  }
  bool at(std::size_t node) const { return node >= first_ && marks_[node - first_]; }

 private:
  std::size_t first_;
  std::vector<bool> marks_;
};

/// Adds all nodes that a value is computed by.
void add_producers(const Graph& graph, ValueId value, std::set<NodeId>& nodes) {
  const auto& producer = graph.value(value).producer;
  if (!producer || !nodes.insert(*producer).second) return;
  for (const ValueId id : values_read(graph.node(*producer))) add_producers(graph, id, nodes);
}

/// A region with the nodes that compute the weights of its ops, in their order.
std::vector<NodeId> with_weights(const Graph& graph, std::vector<NodeId> region) {
  std::set<NodeId> nodes(region.begin(), region.end());
  for (const Op& op : quantizable_ops(graph)) {
    if (!nodes.contains(op.node)) continue;
    for (const Operand& operand : op.operands) {
      if (operand.role == OperandRole::weight) add_producers(graph, operand.value, nodes);
    }
  }
  return {nodes.begin(), nodes.end()};
}

}  // namespace

std::vector<NodeId> region_between(const Graph& graph, std::vector<NodeId> op_nodes) {
  std::sort(op_nodes.begin(), op_nodes.end());
  if (op_nodes.empty() || op_nodes.back().index >= graph.nodes.size()) {
    throw Error(ErrorKind::internal, "graph `" + graph.name + "`: a region needs existing nodes.");
  }
  // Paths between two of the nodes stay between the first and the last in topological order.
  const std::size_t first = op_nodes.front().index;
  const std::size_t last = op_nodes.back().index;
  NodeMarks after(first, last);
  NodeMarks before(first, last);
  for (const NodeId id : op_nodes) after.set(id.index), before.set(id.index);
  for (std::size_t i = first; i <= last; ++i) {
    for (const ValueId id : values_read(graph.nodes[i])) {
      const auto& producer = graph.value(id).producer;
      if (producer && after.at(producer->index)) after.set(i);
    }
  }
  for (std::size_t i = last + 1; i-- > first;) {
    if (!before.at(i)) continue;
    for (const ValueId id : values_read(graph.nodes[i])) {
      if (const auto& producer = graph.value(id).producer) before.set(producer->index);
    }
  }
  std::vector<NodeId> region;
  for (std::size_t i = first; i <= last; ++i) {
    if (after.at(i) && before.at(i)) region.push_back({i});
  }
  return region;
}

std::vector<bool> escapes(const Graph& graph, const std::vector<NodeId>& region,
                          const std::vector<std::size_t>& reads) {
  std::unordered_map<std::size_t, std::size_t> inside;
  for (const NodeId node : region) {
    for (const ValueId id : values_read(graph.node(node))) ++inside[id.index];
  }
  std::vector<bool> escaping;
  for (const NodeId node : region) {
    for (const ValueId id : graph.node(node).outputs) {
      const std::size_t total = reads[id.index];
      escaping.push_back(total == 0 || inside[id.index] < total);
    }
  }
  return escaping;
}

Graph extract(const Graph& graph, const std::vector<NodeId>& op_nodes) {
  const auto region = region_between(graph, op_nodes);
  const auto escaping = escapes(graph, region, count_reads(graph));
  Excerpt excerpt(graph);
  for (const NodeId id : with_weights(graph, region)) excerpt.append(id);
  std::size_t output = 0;
  for (const NodeId node : region) {
    for (const ValueId id : graph.node(node).outputs) {
      if (escaping[output++]) excerpt.add_output(id);
    }
  }
  return std::move(excerpt).finish();
}

}  // namespace gainsweep::graph

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

void append(std::string& text, const Shape& shape) {
  for (const auto size : shape) text += std::to_string(size) + ',';
  text += ';';
}

/// Writes what a signature is made of, naming values by first appearance.
class SignatureWriter {
 public:
  SignatureWriter(const Graph& graph, std::string& text) : graph_(graph), text_(text) {}

  void operator()(std::monostate) { text_ += '-'; }
  void operator()(bool flag) { text_ += flag ? 't' : 'f'; }
  void operator()(std::int64_t number) { text_ += 'i' + std::to_string(number); }
  void operator()(double number) {
    text_ += 'd';
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void operator()(const std::string& word) {
    text_ += 's' + std::to_string(word.size()) + ':' + word;
  }
  void operator()(const std::vector<std::int64_t>& numbers) {
    text_ += 'l', append(text_, numbers);
  }
  void operator()(const std::vector<ValueId>& values) {
    text_ += 'v' + std::to_string(values.size()) + ':';
    for (const ValueId id : values) (*this)(id);
  }
  void operator()(ValueId id) {
    const auto [entry, added] = names_.try_emplace(id.index, names_.size());
    text_ += '%' + std::to_string(entry->second);
    if (!added) return;
    const Value& value = graph_.value(id);
    // An intermediate seen here first comes from outside, which is the same as an input.
    const auto kind = value.kind == ValueKind::intermediate ? ValueKind::input : value.kind;
    text_ += std::to_string(static_cast<int>(kind)) + '.' +
             std::to_string(static_cast<int>(value.type)) + ':';
    append(text_, value.shape);
  }

 private:
  const Graph& graph_;
  std::string& text_;
  std::unordered_map<std::size_t, std::size_t> names_;
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

std::string signature(const Graph& graph, const std::vector<Op>& ops, const Subgraph& subgraph,
                      const std::vector<std::size_t>& reads) {
  std::vector<NodeId> op_nodes;
  for (const OpId op : subgraph.ops) op_nodes.push_back(ops[op.index].node);
  const auto region = region_between(graph, op_nodes);
  const auto escaping = escapes(graph, region, reads);
  std::string text;
  SignatureWriter write(graph, text);
  std::size_t output = 0;
  std::size_t next_op = 0;  // regions and ops are both in topological order
  for (const NodeId id : region) {
    const Node& node = graph.node(id);
    write(node.op);
    for (const Argument& argument : node.arguments) std::visit(write, argument);
    text += "->";
    for (const ValueId value : node.outputs) {
      write(value);
      text += escaping[output++] ? '!' : '.';
    }
    if (next_op < op_nodes.size() && op_nodes[next_op] == id) {
      const Op& op = ops[subgraph.ops[next_op++].index];
      text += op.weight_shared ? "Q+" : "Q";
      for (const Operand& operand : op.operands) {
        text += operand.role == OperandRole::weight ? 'w' : 'a';
      }
    }
    text += '\n';
  }
  for (const auto& tie : subgraph.ties) {
    for (const std::size_t position : tie) text += std::to_string(position) + ' ';
    text += '|';
  }
  return text;
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

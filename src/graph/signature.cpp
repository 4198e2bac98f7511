#include "graph/signature.hpp"

#include <unordered_map>

#include "graph/region.hpp"

namespace gainsweep::graph {
namespace {

void append(std::string& text, const Shape& shape) {
  for (const auto size : shape) text += std::to_string(size) + ',';
  text += ';';
}

/// Writes what a signature is made of, naming values by first appearance.
class SignatureWriter {
 public:
  SignatureWriter(const Graph& graph, std::string& text) : graph_(graph), text_(text) {}

  void operator()(std::monostate) { text_ += '-'; }
  void operator()(Default) { text_ += '='; }
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

}  // namespace

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
  const auto add_groups = [&](const std::vector<std::vector<std::size_t>>& groups) {
    for (const auto& group : groups) {
      for (const std::size_t position : group) text += std::to_string(position) + ' ';
      text += '|';
    }
  };
  add_groups(subgraph.ties);
  if (!subgraph.fused.empty()) {
    text += "fused ";
    add_groups(subgraph.fused);
  }
  return text;
}

std::string signature(const Graph& graph) {
  std::string text;
  SignatureWriter write(graph, text);
  for (const Node& node : graph.nodes) {
    write(node.op);
    for (const Argument& argument : node.arguments) std::visit(write, argument);
    text += "->";
    write(node.outputs);
    text += '\n';
  }
  write(graph.outputs);
  return text;
}

}  // namespace gainsweep::graph

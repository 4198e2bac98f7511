#include "graph/ops.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "graph/graph.hpp"
#include "graph/reads.hpp"

namespace gainsweep::graph {
namespace {

std::string_view without_overload(std::string_view op) {
  return op.substr(0, op.find('.'));
}

bool calls_convolution(const Node& node) {
  constexpr std::array<std::string_view, 3> direct{"aten::conv1d", "aten::conv2d", "aten::conv3d"};
  const auto name = without_overload(node.op);
  if (std::find(direct.begin(), direct.end(), name) != direct.end()) return true;
  if (name != "aten::convolution") return false;
  // convolution(input, weight, bias, stride, padding, dilation, transposed, …): the weight of a
  // transposed one has its input channels first.
  constexpr std::size_t transposed = 6;
  const auto* flag =
      node.arguments.size() > transposed ? std::get_if<bool>(&node.arguments[transposed]) : nullptr;
  return flag != nullptr && !*flag;
}

ValueId tensor_argument(const Node& node, std::size_t index) {
  const auto* id =
      index < node.arguments.size() ? std::get_if<ValueId>(&node.arguments[index]) : nullptr;
  if (id == nullptr) {
    throw Error(ErrorKind::internal, node.op + " at `" + node.path + "`: argument " +
                                         std::to_string(index) + " is not a tensor.");
  }
  return *id;
}

OpKind kind_of_convolution(const Graph& graph, const Node& node) {
  const Shape& input = graph.value(tensor_argument(node, 0)).shape;
  const Shape& weight = graph.value(tensor_argument(node, 1)).shape;
  const auto channels = input.at(input.size() + 1 - weight.size());  // without a batch they lead
  return weight.at(1) == 1 && channels > 1 ? OpKind::depthwise_convolution : OpKind::convolution;
}

std::optional<OpKind> kind_of(const Graph& graph, const Node& node,
                              const std::vector<bool>& depends) {
  const auto name = without_overload(node.op);
  if (name == "aten::linear") return OpKind::linear;
  if (calls_convolution(node)) return kind_of_convolution(graph, node);
  if (name != "aten::matmul" && name != "aten::bmm") return std::nullopt;
  const bool computed =
      depends[tensor_argument(node, 0).index] && depends[tensor_argument(node, 1).index];
  return computed ? std::optional(OpKind::matmul) : std::nullopt;
}

/// Multiply-accumulates: every output element is a sum over the contracted sizes. Broadcast batch
/// dimensions and groups are in the output's shape and the weight's shape already.
std::int64_t num_macs(const Graph& graph, const Node& node, OpKind kind) {
  const Shape& output = graph.value(node.outputs.at(0)).shape;
  const Shape& left = graph.value(tensor_argument(node, 0)).shape;
  const Shape& right = graph.value(tensor_argument(node, 1)).shape;
  if (left.empty() || right.empty()) {
    throw Error(ErrorKind::internal, node.op + " at `" + node.path + "` has a scalar operand.");
  }
  if (!is_convolution(kind)) return num_elements(output) * left.back();
  const Shape window(right.begin() + 1, right.end());  // input channels of a group × kernel
  return num_elements(output) * num_elements(window);
}

Op make_op(const Graph& graph, NodeId id, OpKind kind, const std::vector<bool>& depends) {
  const Node& node = graph.node(id);
  Op op{.node = id, .kind = kind, .path = node.path, .run_macs = num_macs(graph, node, kind)};
  op.macs = std::llround(static_cast<double>(op.run_macs) * node.needed);
  for (std::size_t argument = 0; argument < 2; ++argument) {
    const ValueId value = tensor_argument(node, argument);
    const bool weight = argument == 1 && !depends[value.index];
    op.operands.push_back({.value = value,
                           .role = weight ? OperandRole::weight : OperandRole::activation,
                           .argument = argument});
    if (!weight) continue;
    op.weight_elements = num_elements(graph.value(value).shape);
    op.weight_channels = graph.value(value).shape.front();
    op.weight_line = graph.value(value).shape.at(1);
  }
  return op;
}

/// Whether each value is needed by something else than the weights of ops: read as it is, or by
/// what is computed once from it.
std::vector<bool> needed_elsewhere(const Graph& graph, const std::vector<Op>& ops,
                                   const std::vector<bool>& depends) {
  std::vector<bool> needed(graph.values.size());
  for (const ValueId id : graph.outputs) needed[id.index] = true;
  std::vector<std::optional<ValueId>> weight_of(graph.nodes.size());
  for (const Op& op : ops) {
    const Operand& second = op.operands.at(1);
    if (second.role == OperandRole::weight) weight_of[op.node.index] = second.value;
  }
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const auto& outputs = graph.nodes[n].outputs;
    const bool runs = outputs.empty() || depends[outputs.front().index];
    const bool counts = runs || std::any_of(outputs.begin(), outputs.end(),
                                            [&](ValueId id) { return needed[id.index]; });
    if (!counts) continue;
    auto read = values_read(graph.nodes[n]);
    if (weight_of[n]) read.erase(std::find(read.begin(), read.end(), *weight_of[n]));
    for (const ValueId id : read) needed[id.index] = true;
  }
  return needed;
}

/// A weight and all that it is computed from, each once.
std::vector<ValueId> sources_of(const Graph& graph, ValueId weight) {
  std::vector<ValueId> sources{weight};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto& producer = graph.value(sources[i]).producer;
    if (!producer) continue;
    for (const ValueId id : values_read(graph.node(*producer))) {
      if (std::find(sources.begin(), sources.end(), id) == sources.end()) sources.push_back(id);
    }
  }
  return sources;
}

void mark_shared_weights(const Graph& graph, const std::vector<bool>& depends,
                         std::vector<Op>& ops) {
  const auto needed = needed_elsewhere(graph, ops, depends);
  for (Op& op : ops) {
    for (const Operand& operand : op.operands) {
      if (operand.role != OperandRole::weight) continue;
      const auto sources = sources_of(graph, operand.value);
      // Smaller ones, such as the factors of a folded norm, are not what a weight's bytes hold.
      op.weight_shared = std::any_of(sources.begin(), sources.end(), [&](ValueId id) {
        return needed[id.index] && num_elements(graph.value(id).shape) >= op.weight_elements;
      });
    }
  }
}

bool is_softmax(const Node& node) {
  const auto name = without_overload(node.op);
  return name == "aten::softmax" || name == "aten::_softmax" || name == "aten::_safe_softmax";
}

/// By node: whether a quantizable op computes there.
std::vector<bool> op_nodes(const Graph& graph, const std::vector<Op>& ops) {
  std::vector<bool> computes(graph.nodes.size());
  for (const Op& op : ops) computes[op.node.index] = true;
  return computes;
}

/// Whether each value comes from a softmax, with no quantizable op in between.
std::vector<bool> from_softmax(const Graph& graph, const std::vector<bool>& computes) {
  std::vector<bool> from(graph.values.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (computes[n]) continue;
    const Node& node = graph.nodes[n];
    const auto read = values_read(node);
    const bool any = is_softmax(node) || std::any_of(read.begin(), read.end(),
                                                     [&](ValueId id) { return from[id.index]; });
    for (const ValueId id : node.outputs) from[id.index] = any;
  }
  return from;
}

/// Whether each value leads to a softmax, with no quantizable op in between.
std::vector<bool> to_softmax(const Graph& graph, const std::vector<bool>& computes) {
  std::vector<bool> to(graph.values.size());
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    if (computes[n]) continue;
    const Node& node = graph.nodes[n];
    const bool any = is_softmax(node) || std::any_of(node.outputs.begin(), node.outputs.end(),
                                                     [&](ValueId id) { return to[id.index]; });
    if (!any) continue;
    for (const ValueId id : values_read(node)) to[id.index] = true;
  }
  return to;
}

void name_operands(const Graph& graph, std::vector<Op>& ops) {
  const auto computes = op_nodes(graph, ops);
  const auto from = from_softmax(graph, computes);
  const auto to = to_softmax(graph, computes);
  for (Op& op : ops) {
    std::array<const char*, 2> names{"left", "right"};
    if (op.kind != OpKind::matmul) {
      names = {"input", "weight"};
    } else if (from[op.operands.front().value.index]) {
      names = {"weights", "value"};
    } else if (to[graph.node(op.node).outputs.front().index]) {
      names = {"query", "key"};
    }
    for (std::size_t i = 0; i < names.size(); ++i) op.operands.at(i).name = names[i];
  }
}

}  // namespace

std::vector<Op> quantizable_ops(const Graph& graph) {
  const auto depends = depends_on_inputs(graph);
  std::vector<Op> ops;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (const auto kind = kind_of(graph, graph.nodes[i], depends)) {
      ops.push_back(make_op(graph, {i}, *kind, depends));
    }
  }
  mark_shared_weights(graph, depends, ops);
  name_operands(graph, ops);
  return ops;
}

std::vector<std::size_t> op_of_node(const Graph& graph, const std::vector<Op>& ops) {
  std::vector<std::size_t> result(graph.nodes.size(), no_op);
  for (std::size_t op = 0; op < ops.size(); ++op) result[ops[op].node.index] = op;
  return result;
}

bool is_convolution(OpKind kind) {
  return kind == OpKind::convolution || kind == OpKind::depthwise_convolution;
}

std::int64_t reduction_dimension(OpKind kind, std::size_t operand) {
  if (is_convolution(kind)) return 1;
  return kind == OpKind::matmul && operand == 1 ? -2 : -1;
}

bool is_weighted_linear(const Op& op) {
  return op.kind == OpKind::linear && op.operands.size() == 2 &&
         op.operands[1].role == OperandRole::weight;
}

}  // namespace gainsweep::graph

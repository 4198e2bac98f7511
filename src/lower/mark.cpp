// The passes that make ops visible to scoring: observed and probed graphs.

#include "base/error.hpp"
#include "graph/ops.hpp"
#include "lower/attention.hpp"
#include "lower/pass.hpp"
#include "lower/rewrite.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;

std::int64_t as_int(std::size_t index) {
  return static_cast<std::int64_t>(index);
}

/// An integer list argument of a convolution: given in full, as one number for all dimensions, or
/// left to its default.
std::vector<std::int64_t> per_dimension(const graph::Node& node, std::size_t index,
                                        std::size_t dimensions, std::int64_t otherwise) {
  const auto argument = argument_or_none(node, index);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&argument)) {
    if (list->size() == 1) return std::vector(dimensions, list->front());
    return *list;
  }
  if (const auto* one = std::get_if<std::int64_t>(&argument)) return std::vector(dimensions, *one);
  if (std::holds_alternative<std::monostate>(argument)) return std::vector(dimensions, otherwise);
  throw Error(ErrorKind::internal, "node `" + node.op + "` (" + node.path + "): argument " +
                                       std::to_string(index) +
                                       " is not a list of integers (padding by name is not "
                                       "supported). Give the padding in numbers");
}

/// The arguments of `aten::convolution` for a node of it or of `aten::conv1d|2d|3d`.
std::vector<Argument> convolution_arguments(const graph::Graph& graph, const graph::Node& node,
                                            const graph::Op& op) {
  if (node.op == "aten::convolution") return node.arguments;
  const auto dimensions = graph.value(op.operands.back().value).shape.size() - 2;
  const auto groups = argument_or_none(node, 6);
  return {node.arguments.at(0),
          node.arguments.at(1),
          argument_or_none(node, 2),
          per_dimension(node, 3, dimensions, 1),
          per_dimension(node, 4, dimensions, 0),
          per_dimension(node, 5, dimensions, 1),
          false,
          std::vector<std::int64_t>(dimensions, 0),
          std::holds_alternative<std::monostate>(groups) ? Argument{std::int64_t{1}} : groups};
}

void replace_by_probe(Rewrite& rewrite, const graph::Graph& graph, const graph::Node& node,
                      const graph::Op& op, std::size_t index) {
  std::vector<Argument> arguments;
  std::string name;
  switch (op.kind) {
    case graph::OpKind::linear:
      name = "gainsweep::probed_linear";
      arguments = {node.arguments.at(0), node.arguments.at(1), argument_or_none(node, 2)};
      break;
    case graph::OpKind::matmul:
      name = "gainsweep::probed_matmul";
      arguments = {node.arguments.at(0), node.arguments.at(1)};
      break;
    case graph::OpKind::convolution:
    case graph::OpKind::depthwise_convolution:
      name = "gainsweep::probed_convolution";
      arguments = convolution_arguments(graph, node, op);
      break;
  }
  arguments.emplace_back(as_int(index));
  rewrite.replace(node, std::move(name), std::move(arguments));
}

/// Appends node `n` as scoring runs it: `op` is its index among the ops, or `none`.
void append(Rewrite& rewrite, const graph::Graph& graph, const std::vector<graph::Op>& ops,
            std::size_t n, std::size_t op) {
  if (op == graph::no_op) {
    rewrite.keep(graph.nodes[n]);
  } else {
    replace_by_probe(rewrite, graph, graph.nodes[n], ops[op], op);
  }
}

}  // namespace

graph::Graph observe(const graph::Graph& graph, const std::vector<graph::Op>& ops) {
  Rewrite rewrite(graph);
  const auto op_at = graph::op_of_node(graph, ops);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (op_at[n] != graph::no_op) {
      const auto& op = ops[op_at[n]];
      for (std::size_t k = 0; k < op.operands.size(); ++k) {
        if (op.operands[k].role != graph::OperandRole::activation) continue;
        rewrite.target().nodes.push_back({"gainsweep::observe",
                                          {op.operands[k].value, as_int(op_at[n]), as_int(k)},
                                          {},
                                          op.path});
      }
    }
    append(rewrite, graph, ops, n, op_at[n]);
  }
  return std::move(rewrite).finish();
}

graph::Graph probe(const graph::Graph& graph, const std::vector<graph::Op>& ops) {
  Rewrite rewrite(graph);
  const auto op_at = graph::op_of_node(graph, ops);
  auto found = attentions(graph, ops);
  // A mask that is computed from inputs might need a gradient.
  std::erase_if(found, [](const Attention& one) { return !one.mask_is_fixed; });
  const AttentionWriter writer(graph, ops, found, AttentionWriter::Form::probed);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!writer.write(rewrite, n)) append(rewrite, graph, ops, n, op_at[n]);
  }
  return std::move(rewrite).finish();
}

}  // namespace gainsweep::lower

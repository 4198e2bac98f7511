// The passes that make ops visible to scoring: observed and probed graphs.

#include <utility>

#include "graph/ops.hpp"
#include "graph/reads.hpp"
#include "graph/window.hpp"
#include "lower/attention.hpp"
#include "lower/pass.hpp"
#include "lower/rewrite.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;

std::int64_t as_int(std::size_t index) {
  return static_cast<std::int64_t>(index);
}

/// The arguments of `aten::convolution` for a node of it or of `aten::conv1d|2d|3d`.
std::vector<Argument> convolution_arguments(const graph::Graph& graph, const graph::Node& node) {
  if (node.op == "aten::convolution") return node.arguments;
  auto window = graph::window_of(graph, node);
  const std::vector<std::int64_t> no_output_padding(window.stride.size(), 0);
  return {node.arguments.at(0),
          node.arguments.at(1),
          graph::argument_or_none(node, 2),
          std::move(window.stride),
          std::move(window.padding),
          std::move(window.dilation),
          false,
          no_output_padding,
          window.groups};
}

void replace_by_probe(Rewrite& rewrite, const graph::Graph& graph, const graph::Node& node,
                      const graph::Op& op, std::size_t index) {
  std::vector<Argument> arguments;
  std::string name;
  switch (op.kind) {
    case graph::OpKind::linear:
      name = "gainsweep::probed_linear";
      arguments = {node.arguments.at(0), node.arguments.at(1), graph::argument_or_none(node, 2)};
      break;
    case graph::OpKind::matmul:
      name = "gainsweep::probed_matmul";
      arguments = {node.arguments.at(0), node.arguments.at(1)};
      break;
    case graph::OpKind::convolution:
    case graph::OpKind::depthwise_convolution:
      name = "gainsweep::probed_convolution";
      arguments = convolution_arguments(graph, node);
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

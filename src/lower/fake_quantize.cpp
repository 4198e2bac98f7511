#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "graph/ops.hpp"
#include "graph/reads.hpp"
#include "lower/attention.hpp"
#include "lower/pass.hpp"
#include "lower/rewrite.hpp"
#include "lower/scales.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;
using graph::ValueId;

/// Rounds operands; one node for equal roundings of a value, because they are equal numbers.
class Rounder {
 public:
  Rounder(Rewrite& rewrite, const Maxima& maxima) : rewrite_(rewrite), maxima_(maxima) {}

  ValueId round(const format::Format& format, const graph::Op& op, std::size_t op_index,
                std::size_t operand) {
    const auto value = op.operands[operand].value;
    auto [name, arguments] = call(format, op, op_index, operand);
    auto [place, inserted] = rounded_.try_emplace({name, arguments});
    if (inserted) {
      const auto& source = rewrite_.target().value(value);
      place->second = rewrite_.target().add_node(name, arguments, source.shape, op.path);
    }
    return place->second;
  }

 private:
  using Call = std::pair<std::string, std::vector<Argument>>;

  Call call(const format::Format& format, const graph::Op& op, std::size_t op_index,
            std::size_t operand) {
    const auto value = op.operands[operand].value;
    const bool weight = op.operands[operand].role == graph::OperandRole::weight;
    if (format.activation_scale == format::ScaleRule::fixed) {
      return {"gainsweep::fake_quantize", {value, format.name, constant(1)}};
    }
    if (weight && format.weight_granularity == format::Granularity::channel) {
      return {"gainsweep::fake_quantize_weight",
              {value, format.name, format.weight_backoff, format.scale_grid}};
    }
    if (!weight && format.activation_scale == format::ScaleRule::dynamic_max) {
      return {"gainsweep::fake_quantize_dynamic",
              {value, format.name, format.activation_backoff, format.scale_grid}};
    }
    return {"gainsweep::fake_quantize",
            {value, format.name, constant(static_scale(format, op, op_index, operand, maxima_))}};
  }

  ValueId constant(double scale) { return rewrite_.constant(scale, graph::ElementType::fp32); }

  Rewrite& rewrite_;
  const Maxima& maxima_;
  std::map<Call, ValueId> rounded_;
};

}  // namespace

graph::Graph fake_quantize(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                           const graph::Assignment& assignment,
                           const std::vector<format::Format>& formats, const Maxima& maxima) {
  check_assignment(assignment, ops.size(), formats.size());
  Rewrite rewrite(graph);
  Rounder rounder(rewrite, maxima);
  const auto op_at = graph::op_of_node(graph, ops);
  const auto found = high_attentions(graph, ops, assignment);
  const AttentionWriter writer(graph, ops, found, AttentionWriter::Form::plain);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (writer.write(rewrite, n)) continue;
    const auto& node = graph.nodes[n];
    if (op_at[n] == graph::no_op || assignment[op_at[n]] == high_format) {
      rewrite.keep(node);
      continue;
    }
    const auto& op = ops[op_at[n]];
    const auto& format = formats[assignment[op_at[n]].index];
    auto arguments = node.arguments;
    for (std::size_t k = 0; k < op.operands.size(); ++k) {
      arguments[op.operands[k].argument] = rounder.round(format, op, op_at[n], k);
    }
    rewrite.replace(node, node.op, std::move(arguments));
  }
  return std::move(rewrite).finish();
}

graph::Graph next_scales(const graph::Graph& graph, const std::vector<format::Format>& formats) {
  std::set<std::string> scaled;
  for (const auto& format : formats)
    if (format.activation_scale == format::ScaleRule::static_max) scaled.insert(format.name);
  const auto depends = graph::depends_on_inputs(graph);
  Rewrite rewrite(graph);
  for (const auto& node : graph.nodes) {
    auto arguments = node.arguments;
    if (node.op == "gainsweep::fake_quantize" && depends[node.outputs.front().index] &&
        scaled.contains(std::get<std::string>(arguments[1]))) {
      const auto& scale = graph.value(std::get<ValueId>(arguments[2]));
      const auto next = std::nextafter(static_cast<float>(scale.elements.at(0)),
                                       std::numeric_limits<float>::max());
      arguments[2] = rewrite.constant(next, graph::ElementType::fp32);
    }
    rewrite.replace(node, node.op, std::move(arguments));
  }
  return std::move(rewrite).finish();
}

}  // namespace gainsweep::lower

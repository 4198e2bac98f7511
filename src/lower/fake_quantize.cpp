#include <cmath>
#include <limits>
#include <map>
#include <optional>
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

  /// The operand itself where it stays high.
  ValueId round(const format::Format& format, const graph::Op& op, std::size_t op_index,
                std::size_t operand) {
    const auto value = op.operands[operand].value;
    const auto* number = number_of(format, op, operand);
    if (number == nullptr) return value;
    auto [name, arguments] = call(*number, op, op_index, operand);
    auto [place, inserted] = rounded_.try_emplace({name, arguments});
    if (inserted) {
      const auto& source = rewrite_.target().value(value);
      place->second = rewrite_.target().add_node(name, arguments, source.shape, op.path);
    }
    return place->second;
  }

 private:
  using Call = std::pair<std::string, std::vector<Argument>>;

  Call call(const format::NumberFormat& number, const graph::Op& op, std::size_t op_index,
            std::size_t operand) {
    const auto value = op.operands[operand].value;
    const bool weight = op.operands[operand].role == graph::OperandRole::weight;
    if (number.scale == format::ScaleRule::fixed)
      return {"gainsweep::fake_quantize", {value, number.name, constant(1)}};
    const bool is_made_later = !weight && number.scale == format::ScaleRule::dynamic_max;
    const auto given = [&] {
      return constant(static_scale(number, op, op_index, operand, maxima_));
    };
    if (number.granularity == format::Granularity::block) {
      Argument global = std::monostate{};
      if (number.two_level && !is_made_later) global = given();
      return {"gainsweep::fake_quantize_blocks",
              {value, number.name, graph::reduction_dimension(op.kind, operand),
               restart(op, operand), number.scale_grid, global}};
    }
    if (weight && number.granularity == format::Granularity::channel)
      return {"gainsweep::fake_quantize_weight",
              {value, number.name, number.backoff, number.scale_grid, number.range}};
    if (is_made_later)
      return {"gainsweep::fake_quantize_dynamic",
              {value, number.name, number.backoff, number.scale_grid}};
    return {"gainsweep::fake_quantize", {value, number.name, given()}};
  }

  /// A grouped convolution sums over the channels of a group.
  std::int64_t restart(const graph::Op& op, std::size_t operand) const {
    if (!graph::is_convolution(op.kind)) return 0;
    return operand == 0 ? rewrite_.target().value(op.operands[1].value).shape.at(1) : 0;
  }

  ValueId constant(double scale) { return rewrite_.constant(scale, graph::ElementType::fp32); }

  Rewrite& rewrite_;
  const Maxima& maxima_;
  std::map<Call, ValueId> rounded_;
};

/// The argument of a rounding that is a given scale.
std::optional<std::size_t> place_of_scale(const graph::Node& node) {
  if (node.op == "gainsweep::fake_quantize") return 2;
  const std::size_t global = 5;
  if (node.op == "gainsweep::fake_quantize_blocks" &&
      std::holds_alternative<ValueId>(node.arguments.at(global)))
    return global;
  return std::nullopt;
}

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
    if (format::has_static_scale(format)) scaled.insert(format.activation->name);
  const auto depends = graph::depends_on_inputs(graph);
  Rewrite rewrite(graph);
  for (const auto& node : graph.nodes) {
    auto arguments = node.arguments;
    const auto place = place_of_scale(node);
    if (place && depends[node.outputs.front().index] &&
        scaled.contains(std::get<std::string>(arguments[1]))) {
      const auto& scale = graph.value(std::get<ValueId>(arguments[*place]));
      const auto next = std::nextafter(static_cast<float>(scale.elements.at(0)),
                                       std::numeric_limits<float>::max());
      arguments[*place] = rewrite.constant(next, graph::ElementType::fp32);
    }
    rewrite.replace(node, node.op, std::move(arguments));
  }
  return std::move(rewrite).finish();
}

}  // namespace gainsweep::lower

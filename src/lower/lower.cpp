#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "lower/pass.hpp"
#include "lower/rewrite.hpp"
#include "lower/scales.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;
using graph::ElementType;
using graph::ValueId;

constexpr std::int64_t unsigned_zero = 128;  ///< oneDNN's fast kernels take unsigned activations

const std::vector<std::string>& formats_of(const Target& target, graph::OpKind kind) {
  switch (kind) {
    case graph::OpKind::linear:
      return target.linear_formats;
    case graph::OpKind::matmul:
      return target.matmul_formats;
    case graph::OpKind::convolution:
      break;
  }
  return target.convolution_formats;
}

bool really_runs(const Target& target, const graph::Op& op, const format::Format& format) {
  const auto& names = formats_of(target, op.kind);
  return std::find(names.begin(), names.end(), format.name) != names.end();
}

void require_real(const Target& target, const graph::Op& op, const format::Format& format) {
  if (really_runs(target, op, format)) return;
  const auto& names = formats_of(target, op.kind);
  const std::string known = join(names);
  throw Error(ErrorKind::config,
              "op " + op.path + " cannot run in " + format.name + " on target " + target.name +
                  " (it would be emulated there, and the time of an emulation means nothing; " +
                  (known.empty() ? "no low format has a real kernel for this kind of op"
                                 : "real low formats of this kind of op: " + known) +
                  "). Leave it high in the time objective, or use a device that has the format");
}

/// Lowers one graph for the CPU through oneDNN.
class CpuLowering {
 public:
  CpuLowering(const graph::Graph& graph, const graph::Partition& partition, const Maxima& maxima)
      : rewrite_(graph), ops_(partition.ops), maxima_(maxima), subgraph_of_(ops_.size()) {
    for (std::size_t s = 0; s < partition.subgraphs.size(); ++s) {
      for (const auto op : partition.subgraphs[s].ops) subgraph_of_[op.index] = s;
    }
  }

  void keep(const graph::Node& node) { rewrite_.keep(node); }

  /// A high linear layer over a weight packed once.
  void high_linear(const graph::Node& node) {
    auto& target = rewrite_.target();
    const auto weight = std::get<ValueId>(node.arguments.at(1));
    const auto packed = target.add_node("mkldnn::_reorder_linear_weight", {weight},
                                        target.value(weight).shape, node.path, ElementType::opaque);
    rewrite_.replace(node, "mkldnn::_linear_pointwise",
                     {node.arguments.at(0), packed, argument_or_none(node, 2), "none",
                      std::vector<std::int64_t>{}, ""});
  }

  void int8_linear(const graph::Node& node, std::size_t op, const format::Format& format) {
    const auto codes = quantized(op, format);
    const auto weight = packed(node, format);
    const bool dynamic = std::holds_alternative<ValueId>(codes.scale);
    rewrite_.replace(node,
                     dynamic ? "onednn::qlinear_pointwise.tensor" : "onednn::qlinear_pointwise",
                     {codes.values, codes.scale, codes.zero_point, weight.packed, weight.scales,
                      weight.zero_points, argument_or_none(node, 2), 1.0, std::int64_t{0}, "real",
                      "none", std::vector<std::int64_t>{}, ""});
  }

  graph::Graph finish() && { return std::move(rewrite_).finish(); }

 private:
  struct Codes {
    ValueId values;
    Argument scale;
    Argument zero_point;
  };
  struct Weight {
    ValueId packed;
    ValueId scales;
    ValueId zero_points;
  };

  /// The activation's codes: one node for the ops of a sub-graph that read the same value.
  Codes quantized(std::size_t op_index, const format::Format& format) {
    const auto& op = ops_[op_index];
    const auto value = op.operands.at(0).value;
    const bool dynamic = format.activation_scale == format::ScaleRule::dynamic_max;
    const double scale = dynamic ? 0 : static_scale(format, op, op_index, 0, maxima_);
    const auto [place, inserted] = codes_.try_emplace({subgraph_of_[op_index], value.index, scale});
    if (inserted) {
      place->second = dynamic ? quantize_dynamic(op, value, format) : quantize(op, value, scale);
    }
    return place->second;
  }

  Codes quantize(const graph::Op& op, ValueId value, double scale) {
    auto& target = rewrite_.target();
    const auto codes = target.add_node("gainsweep::quantize", {value, scale, unsigned_zero},
                                       target.value(value).shape, op.path, ElementType::byte);
    return {codes, scale, unsigned_zero};
  }

  Codes quantize_dynamic(const graph::Op& op, ValueId value, const format::Format& format) {
    auto& target = rewrite_.target();
    const auto codes = target.add_node("gainsweep::quantize_dynamic",
                                       {value, format.activation_backoff, unsigned_zero},
                                       target.value(value).shape, op.path, ElementType::byte);
    const auto scale = target.add_output({1}, ElementType::fp32);
    const auto zero_point = target.add_constant(op.path + ".zero_point", {1},
                                                {double{unsigned_zero}}, ElementType::index);
    return {codes, scale, zero_point};
  }

  Weight packed(const graph::Node& node, const format::Format& format) {
    auto& target = rewrite_.target();
    const auto weight = std::get<ValueId>(node.arguments.at(1));
    const auto shape = target.value(weight).shape;
    const bool per_channel = format.weight_granularity == format::Granularity::channel;
    const auto codes =
        target.add_node("gainsweep::quantize_weight", {weight, format.weight_backoff, per_channel},
                        shape, node.path, ElementType::byte);
    const graph::Shape groups{per_channel ? shape.at(0) : 1};
    const auto scales = target.add_output(groups, ElementType::fp32);
    const auto zero_points = target.add_node("aten::zeros_like", {scales, "index"}, groups,
                                             node.path, ElementType::index);
    const auto packed = target.add_node("onednn::qlinear_prepack", {codes, std::monostate{}}, shape,
                                        node.path, ElementType::opaque);
    return {packed, scales, zero_points};
  }

  Rewrite rewrite_;
  const std::vector<graph::Op>& ops_;
  const Maxima& maxima_;
  std::vector<std::size_t> subgraph_of_;
  std::map<std::tuple<std::size_t, std::size_t, double>, Codes> codes_;
};

/// Whether an op is a linear layer whose weight is known ahead and can be packed once.
bool packable(const graph::Op& op) {
  return op.kind == graph::OpKind::linear && op.operands.size() == 2 &&
         op.operands[1].role == graph::OperandRole::weight;
}

}  // namespace

Target cpu_target() {
  return {
      .name = "cpu", .linear_formats = {"int8"}, .matmul_formats = {}, .convolution_formats = {}};
}

std::vector<FormatId> real_formats(const Target& target, const graph::Op& op,
                                   const std::vector<format::Format>& formats) {
  std::vector<FormatId> result{high_format};
  for (std::size_t f = 1; f < formats.size(); ++f) {
    if (really_runs(target, op, formats[f])) result.push_back(FormatId{f});
  }
  return result;
}

graph::Graph lower(const graph::Graph& graph, const graph::Partition& partition,
                   const graph::Assignment& assignment, const std::vector<format::Format>& formats,
                   const Maxima& maxima, const Target& target) {
  check_assignment(assignment, partition.ops.size(), formats.size());
  CpuLowering lowering(graph, partition, maxima);
  const auto op_at = op_of_node(graph, partition.ops);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto& node = graph.nodes[n];
    const auto op = op_at[n];
    const bool low = op != none && assignment[op] != high_format;
    if (low) require_real(target, partition.ops[op], formats[assignment[op].index]);
    if (op == none || !packable(partition.ops[op])) {
      lowering.keep(node);
    } else if (low) {
      lowering.int8_linear(node, op, formats[assignment[op].index]);
    } else {
      lowering.high_linear(node);
    }
  }
  return std::move(lowering).finish();
}

}  // namespace gainsweep::lower

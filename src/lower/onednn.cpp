#include "lower/onednn.hpp"

#include "graph/ops.hpp"
#include "lower/lowering.hpp"

namespace gainsweep::lower {
namespace {

using graph::ElementType;
using graph::ValueId;

/// Zero points: fast kernels take unsigned activations beside packed weights, signed ones beside
/// each other.
constexpr std::int64_t unsigned_zero = 128, signed_zero = 0;

bool multiplies_activations(const graph::Op& op) {
  return op.kind == graph::OpKind::matmul && op.operands.size() == 2 &&
         op.operands[1].role == graph::OperandRole::activation;
}

bool runs(const graph::Op& op, const format::Format& format) {
  return (graph::is_weighted_linear(op) || multiplies_activations(op)) && format.name == "int8";
}

/// A linear layer over a weight packed once; anything else as it is.
void write_high(Lowering& lowering, const OpSite& site) {
  const auto& node = site.node;
  auto& rewrite = lowering.rewrite();
  if (!graph::is_weighted_linear(site.op)) {
    rewrite.keep(node);
    return;
  }
  auto& target = rewrite.target();
  const auto weight = site.op.operands[1].value;
  const auto packed = target.add_node("mkldnn::_reorder_linear_weight", {weight},
                                      target.value(weight).shape, node.path, ElementType::opaque);
  rewrite.replace(node, "mkldnn::_linear_pointwise",
                  {node.arguments.at(0), packed, argument_or_none(node, 2), "none",
                   std::vector<std::int64_t>{}, ""});
}

/// Codes of an activation operand, as bytes.
Codes write_codes(Lowering& lowering, const OpSite& site, std::size_t operand,
                  const format::NumberFormat& number, std::int64_t zero) {
  auto& target = lowering.rewrite().target();
  const auto value = site.op.operands[operand].value;
  const auto shape = target.value(value).shape;
  const auto write = [&](std::optional<ValueId> scale) -> Codes {
    if (scale) {
      const auto codes = target.add_node("gainsweep::quantize", {value, *scale, zero}, shape,
                                         site.op.path, ElementType::byte);
      return {codes, *scale};
    }
    const auto codes = target.add_node("gainsweep::quantize_dynamic",
                                       {value, number.backoff, zero, number.scale_grid}, shape,
                                       site.op.path, ElementType::byte);
    return {codes, target.add_output({1}, ElementType::fp32)};
  };
  return lowering.quantized(site, operand, number, write, zero);
}

struct PackedWeight {
  ValueId packed;
  ValueId scales;
  ValueId zero_points;
};

PackedWeight write_weight(graph::Graph& target, const graph::Op& op,
                          const format::NumberFormat& number) {
  const auto weight = op.operands[1].value;
  const auto shape = target.value(weight).shape;
  const bool per_channel = number.granularity == format::Granularity::channel;
  const auto codes = target.add_node("gainsweep::quantize_weight",
                                     {weight, number.backoff, per_channel, number.scale_grid},
                                     shape, op.path, ElementType::byte);
  const graph::Shape groups{per_channel ? shape.at(0) : 1};
  const auto scales = target.add_output(groups, ElementType::fp32);
  const auto zero_points =
      target.add_node("aten::zeros_like", {scales, "index"}, groups, op.path, ElementType::index);
  const auto packed = target.add_node("onednn::qlinear_prepack", {codes, std::monostate{}}, shape,
                                      op.path, ElementType::opaque);
  return {packed, scales, zero_points};
}

void write_linear(Lowering& lowering, const OpSite& site, const format::Format& format) {
  auto& rewrite = lowering.rewrite();
  const auto codes = write_codes(lowering, site, 0, *format.activation, unsigned_zero);
  const auto zero_point = rewrite.constant(double{unsigned_zero}, ElementType::index);
  const auto weight = write_weight(rewrite.target(), site.op, format.weight);
  rewrite.replace(site.node, "onednn::qlinear_pointwise.tensor",
                  {codes.values, codes.scale, zero_point, weight.packed, weight.scales,
                   weight.zero_points, argument_or_none(site.node, 2), 1.0, std::int64_t{0}, "real",
                   "none", std::vector<std::int64_t>{}, ""});
}

void write_matmul(Lowering& lowering, const OpSite& site, const format::Format& format) {
  const auto a = write_codes(lowering, site, 0, *format.activation, signed_zero);
  const auto b = write_codes(lowering, site, 1, *format.activation, signed_zero);
  lowering.rewrite().replace(site.node, "gainsweep::int8_matmul",
                             {a.values, a.scale, b.values, b.scale, "real"});
}

void write_int8(Lowering& lowering, const OpSite& site, const format::Format& format) {
  if (site.op.kind == graph::OpKind::matmul)
    write_matmul(lowering, site, format);
  else
    write_linear(lowering, site, format);
}

}  // namespace

Target onednn_target() {
  return {.name = "onednn",
          .runs = runs,
          .high = write_high,
          .low = write_int8,
          .joins_attention = true};
}

}  // namespace gainsweep::lower

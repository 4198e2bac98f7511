#include "lower/onednn.hpp"

#include "graph/ops.hpp"
#include "graph/reads.hpp"
#include "graph/window.hpp"
#include "lower/lowering.hpp"

namespace gainsweep::lower {
namespace {

using graph::ElementType;
using graph::ValueId;

/// Zero points: fast kernels take unsigned activations beside packed weights, signed ones beside
/// each other.
constexpr std::int64_t unsigned_zero = 128, signed_zero = 0;

/// That of an activation beside a packed weight.
std::int64_t zero_point_of(const format::NumberFormat& activation) {
  return activation.grid.is_unsigned ? 0 : unsigned_zero;
}

bool multiplies_activations(const graph::Op& op) {
  return op.kind == graph::OpKind::matmul && op.operands.size() == 2 &&
         op.operands[1].role == graph::OperandRole::activation;
}

bool has_weight(const graph::Op& op) {
  return op.operands.size() == 2 && op.operands[1].role == graph::OperandRole::weight;
}

// Depthwise convolutions have a kernel too, which gains nothing on the one in bf16.
bool runs(const graph::Op& op, const format::Format& format) {
  const bool is_signed = format.name == "int8";
  if (!is_signed && format.name != "uint8") return false;
  return op.kind == graph::OpKind::convolution
             ? has_weight(op)
             : graph::is_weighted_linear(op) || (is_signed && multiplies_activations(op));
}

const std::vector<std::int64_t> no_scalars{};

void write_high_linear(Lowering& lowering, const OpSite& site) {
  const auto& node = site.node;
  auto& target = lowering.rewrite().target();
  const auto weight = site.op.operands[1].value;
  const auto packed = target.add_node("mkldnn::_reorder_linear_weight", {weight},
                                      target.value(weight).shape, node.path, ElementType::opaque);
  lowering.rewrite().replace(
      node, "mkldnn::_linear_pointwise",
      {node.arguments.at(0), packed, graph::argument_or_none(node, 2), "none", no_scalars, ""});
}

/// Whether a convolution's images come as a batch.
bool has_batch(const graph::Graph& graph, const graph::Op& op) {
  return graph.value(op.operands[0].value).shape.size() ==
         graph.value(op.operands[1].value).shape.size();
}

/// The value with a further dimension of size 1.
ValueId unsqueezed(graph::Graph& target, ValueId value, std::int64_t dimension,
                   const std::string& path) {
  const auto type = target.value(value).type;
  auto shape = target.value(value).shape;
  shape.insert(shape.begin() + dimension, 1);
  return target.add_node("aten::unsqueeze", {value, dimension}, shape, path, type);
}

/// Puts a call in a node's place whose result has a further dimension of size 1.
void replace_unsqueezed(Rewrite& rewrite, const graph::Node& node, const std::string& op,
                        const std::vector<graph::Argument>& arguments, std::int64_t dimension) {
  auto shape = rewrite.target().value(node.outputs[0]).shape;
  shape.insert(shape.begin() + dimension, 1);
  const auto result = rewrite.target().add_node(op, arguments, shape, node.path);
  rewrite.replace(node, "aten::squeeze.dim", {result, dimension});
}

/// The operator takes images in any layout and gives them in channels_last. It knows two and three
/// dimensions: what has one is an image of one row.
void write_high_convolution(Lowering& lowering, const OpSite& site) {
  const auto& node = site.node;
  auto& target = lowering.rewrite().target();
  auto [stride, padding, dilation, groups] = graph::window_of(target, node);
  auto images = site.op.operands[0].value, weight = site.op.operands[1].value;
  const std::int64_t row = 2;
  const bool is_row = stride.size() == 1;
  if (is_row) {
    images = unsqueezed(target, images, row, node.path);
    weight = unsqueezed(target, weight, row, node.path);
    stride.insert(stride.begin(), 1);
    padding.insert(padding.begin(), 0);
    dilation.insert(dilation.begin(), 1);
  }
  const auto packed =
      target.add_node("mkldnn::_reorder_convolution_weight",
                      {weight, padding, stride, dilation, groups, target.value(images).shape},
                      target.value(weight).shape, node.path, ElementType::opaque);
  const std::vector<graph::Argument> arguments{images,  packed, graph::argument_or_none(node, 2),
                                               padding, stride, dilation,
                                               groups,  "none", no_scalars,
                                               ""};
  const std::string op = "mkldnn::_convolution_pointwise";
  if (is_row)
    replace_unsqueezed(lowering.rewrite(), node, op, arguments, row);
  else
    lowering.rewrite().replace(node, op, arguments);
}

/// Linear layers and convolutions over weights packed once; anything else as it is.
void write_high(Lowering& lowering, const OpSite& site) {
  if (graph::is_weighted_linear(site.op)) {
    write_high_linear(lowering, site);
  } else if (graph::is_convolution(site.op.kind) && has_weight(site.op) &&
             has_batch(lowering.rewrite().target(), site.op)) {
    write_high_convolution(lowering, site);
  } else {
    lowering.rewrite().keep(site.node);
  }
}

/// Codes of an activation operand, as bytes.
Codes write_codes(Lowering& lowering, const OpSite& site, std::size_t operand,
                  const format::NumberFormat& number, std::int64_t zero) {
  auto& target = lowering.rewrite().target();
  const auto value = site.op.operands[operand].value;
  const auto shape = target.value(value).shape;
  const auto write = [&](std::optional<ValueId> scale) -> Codes {
    if (scale) {
      const auto codes = target.add_node("gainsweep::quantize", {value, *scale, number.name, zero},
                                         shape, site.op.path, ElementType::byte);
      return {codes, *scale};
    }
    const auto codes =
        target.add_node("gainsweep::quantize_dynamic",
                        {value, number.name, number.backoff, zero, number.scale_grid}, shape,
                        site.op.path, ElementType::byte);
    return {codes, target.add_output({1}, ElementType::fp32)};
  };
  return lowering.quantized(site, operand, number, write, zero);
}

struct QuantisedWeight {
  ValueId codes;
  ValueId scales;
  ValueId zero_points;
};

QuantisedWeight write_weight(graph::Graph& target, const graph::Op& op,
                             const format::NumberFormat& number) {
  const auto weight = op.operands[1].value;
  const auto shape = target.value(weight).shape;
  const bool per_channel = number.granularity == format::Granularity::channel;
  const auto codes =
      target.add_node("gainsweep::quantize_weight",
                      {weight, number.backoff, per_channel, number.scale_grid, number.range}, shape,
                      op.path, ElementType::byte);
  const graph::Shape groups{per_channel ? shape.at(0) : 1};
  const auto scales = target.add_output(groups, ElementType::fp32);
  const auto zero_points =
      target.add_node("aten::zeros_like", {scales, "index"}, groups, op.path, ElementType::index);
  return {codes, scales, zero_points};
}

void write_linear(Lowering& lowering, const OpSite& site, const format::Format& format) {
  auto& rewrite = lowering.rewrite();
  const auto zero = zero_point_of(*format.activation);
  const auto codes = write_codes(lowering, site, 0, *format.activation, zero);
  const auto zero_point = rewrite.constant(static_cast<double>(zero), ElementType::index);
  auto& target = rewrite.target();
  const auto weight = write_weight(target, site.op, format.weight);
  const auto packed =
      target.add_node("onednn::qlinear_prepack", {weight.codes, std::monostate{}},
                      target.value(weight.codes).shape, site.op.path, ElementType::opaque);
  rewrite.replace(site.node, "onednn::qlinear_pointwise.tensor",
                  {codes.values, codes.scale, zero_point, packed, weight.scales, weight.zero_points,
                   graph::argument_or_none(site.node, 2), 1.0, std::int64_t{0}, "real", "none",
                   no_scalars, ""});
}

void write_convolution(Lowering& lowering, const OpSite& site, const format::Format& format) {
  const auto& node = site.node;
  auto& rewrite = lowering.rewrite();
  auto& target = rewrite.target();
  const bool is_batch = has_batch(target, site.op);
  const auto zero = zero_point_of(*format.activation);
  const auto codes = write_codes(lowering, site, 0, *format.activation, zero);
  const auto images = is_batch ? codes.values : unsqueezed(target, codes.values, 0, node.path);
  const auto zero_point = rewrite.constant(static_cast<double>(zero), ElementType::index);
  const auto weight = write_weight(target, site.op, format.weight);
  const auto [stride, padding, dilation, groups] = graph::window_of(target, node);
  // PyTorch remembers packings by shapes alone, of which one zero point would get the other's and
  // pack anew in every call. What is packed depends neither on the batch nor on activations' scale.
  auto shape = target.value(images).shape;
  if (zero == 0) shape[0] += 1;
  const auto packed = target.add_node(
      "onednn::qconv_prepack",
      {weight.codes, weight.scales, 1.0, zero, stride, padding, dilation, groups, shape},
      target.value(weight.codes).shape, node.path, ElementType::opaque);
  const std::vector<graph::Argument> arguments{images,
                                               codes.scale,
                                               zero_point,
                                               packed,
                                               weight.scales,
                                               weight.zero_points,
                                               graph::argument_or_none(node, 2),
                                               stride,
                                               padding,
                                               dilation,
                                               groups,
                                               1.0,
                                               std::int64_t{0},
                                               "real",
                                               "none",
                                               no_scalars,
                                               ""};
  const std::string op = "onednn::qconv_pointwise.tensor";
  if (is_batch)
    rewrite.replace(node, op, arguments);
  else
    replace_unsqueezed(rewrite, node, op, arguments, 0);
}

void write_matmul(Lowering& lowering, const OpSite& site, const format::Format& format) {
  const auto a = write_codes(lowering, site, 0, *format.activation, signed_zero);
  const auto b = write_codes(lowering, site, 1, *format.activation, signed_zero);
  lowering.rewrite().replace(site.node, "gainsweep::int8_matmul",
                             {a.values, a.scale, b.values, b.scale, "real"});
}

void write_low(Lowering& lowering, const OpSite& site, const format::Format& format) {
  if (site.op.kind == graph::OpKind::matmul)
    write_matmul(lowering, site, format);
  else if (site.op.kind == graph::OpKind::convolution)
    write_convolution(lowering, site, format);
  else
    write_linear(lowering, site, format);
}

}  // namespace

Target onednn_target() {
  return {.name = "onednn",
          .runs = runs,
          .high = write_high,
          .low = write_low,
          .joins_attention = true};
}

}  // namespace gainsweep::lower

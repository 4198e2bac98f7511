#include "lower/cuda.hpp"

#include "graph/ops.hpp"
#include "graph/reads.hpp"
#include "lower/lowering.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;
using graph::ElementType;
using graph::ValueId;

constexpr std::monostate nothing{};

/// y[rows, outputs] = x[rows, inputs] Wᵀ.
struct Sizes {
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
};

Sizes sizes_of(const graph::Op& op) {
  return {op.run_macs / op.weight_elements, op.weight_elements / op.weight_channels,
          op.weight_channels};
}

/// What `_scaled_mm` and `_int_mm` take (LibTorch 2.13, CUDA's Blas.cpp and its meta functions).
bool fits(const Sizes& sizes, const format::Format& format) {
  if (format.name == "fp8_e4m3") return sizes.inputs % 16 == 0 && sizes.outputs % 16 == 0;
  return format.name == "int8" && sizes.inputs % 8 == 0 && sizes.outputs % 8 == 0 &&
         sizes.rows > 16;
}

// A dynamic scale is made on the card, in operators that know no grid.
bool runs(const graph::Op& op, const format::Format& format) {
  if (!graph::is_weighted_linear(op) || !fits(sizes_of(op), format)) return false;
  const auto& number = *format.activation;
  return number.scale == format::ScaleRule::static_max || number.scale_grid == "arbitrary";
}

bool is_per_channel(const format::Format& format) {
  return format.weight.granularity == format::Granularity::channel;
}

/// Writes one linear layer.
class Layer {
 public:
  Layer(Lowering& lowering, const OpSite& site, const format::Format& format)
      : lowering_(lowering), site_(site), format_(format), sizes_(sizes_of(site.op)) {}

  void write_fp8(bool fast_accumulation) {
    const auto x = activation("gainsweep::cast_to_fp8", {format_.name}, ElementType::fp8_e4m3,
                              is_per_channel(format_));
    const auto w = weight("gainsweep::encode_weight", {format_.name}, ElementType::fp8_e4m3);
    const auto scale = is_per_channel(format_)
                           ? node("aten::view", {w.scale, graph::Shape{1, sizes_.outputs}},
                                  {1, sizes_.outputs}, ElementType::fp32)
                           : w.scale;
    // With an fp32 result the product takes no bias.
    const bool adds = has_bias() && lowering_.high().name == "fp32";
    const auto product = node("aten::_scaled_mm",
                              {x.values, turned(w.values, ElementType::fp8_e4m3), x.scale, scale,
                               adds ? nothing : bias(), nothing, "real", fast_accumulation},
                              result_shape());
    finish(adds ? node("aten::add.Tensor", {product, bias()}, result_shape()) : product);
  }

  void write_int8() {
    const auto x = activation("gainsweep::cast_to_int8", {}, ElementType::byte, false);
    const auto w = weight("gainsweep::quantize_weight", {}, ElementType::byte);
    const auto sums = node("aten::_int_mm", {x.values, turned(w.values, ElementType::byte)},
                           result_shape(), ElementType::int32);
    const auto scales =
        node("aten::mul.Tensor", {w.scale, x.scale}, scales_shape(), ElementType::fp32);
    finish(node("gainsweep::scale_sums", {sums, scales, bias(), "real"}, result_shape()));
  }

 private:
  graph::Graph& target() { return lowering_.rewrite().target(); }

  ValueId node(std::string op, std::vector<Argument> arguments, graph::Shape shape,
               ElementType type = ElementType::real) {
    return target().add_node(std::move(op), std::move(arguments), std::move(shape), site_.op.path,
                             type);
  }

  Argument bias() const { return graph::argument_or_none(site_.node, 2); }
  bool has_bias() const { return !std::holds_alternative<std::monostate>(bias()); }
  graph::Shape result_shape() const { return {sizes_.rows, sizes_.outputs}; }
  graph::Shape scales_shape() const { return {is_per_channel(format_) ? sizes_.outputs : 1}; }

  /// Codes [rows, inputs] and their scale, one element or [rows, 1].
  Codes activation(const std::string& cast, std::vector<Argument> further, ElementType type,
                   bool scale_of_rows) {
    return lowering_.quantized(site_, 0, *format_.activation, [&](std::optional<ValueId> scale) {
      const auto value = site_.op.operands[0].value;
      if (!scale)
        scale = node("gainsweep::dynamic_scale", {value, format_.name, format_.activation->backoff},
                     {1}, ElementType::fp32);
      std::vector<Argument> arguments{value, *scale};
      arguments.insert(arguments.end(), further.begin(), further.end());
      const auto codes = node(cast, std::move(arguments), target().value(value).shape, type);
      const graph::Shape flat{sizes_.rows, sizes_.inputs}, column{sizes_.rows, 1};
      if (scale_of_rows) scale = node("aten::repeat", {*scale, column}, column, ElementType::fp32);
      return Codes{node("aten::view", {codes, flat}, flat, type), *scale};
    });
  }

  /// Codes [outputs, inputs] and their scales, made once.
  Codes weight(const std::string& encode, std::vector<Argument> format, ElementType type) {
    std::vector<Argument> arguments{site_.op.operands[1].value};
    arguments.insert(arguments.end(), format.begin(), format.end());
    arguments.insert(arguments.end(), {format_.weight.backoff, is_per_channel(format_),
                                       format_.weight.scale_grid, format_.weight.range});
    const auto codes = node(encode, std::move(arguments), {sizes_.outputs, sizes_.inputs}, type);
    return {codes, target().add_output(scales_shape(), ElementType::fp32)};
  }

  /// Column-major, as the products want their second operand.
  ValueId turned(ValueId codes, ElementType type) {
    return node("aten::t", {codes}, {sizes_.inputs, sizes_.outputs}, type);
  }

  void finish(ValueId result) {
    const auto& shape = target().value(site_.node.outputs[0]).shape;
    lowering_.rewrite().replace(site_.node, "aten::view", {result, shape});
  }

  Lowering& lowering_;
  const OpSite& site_;
  const format::Format& format_;
  Sizes sizes_;
};

}  // namespace

Target cuda_target(const char* name, bool fast_accumulation) {
  return {
      .name = name,
      .runs = runs,
      .high = [](Lowering& lowering, const OpSite& site) { lowering.rewrite().keep(site.node); },
      .low =
          [fast_accumulation](Lowering& lowering, const OpSite& site,
                              const format::Format& format) {
            Layer layer(lowering, site, format);
            if (format.name == "int8")
              layer.write_int8();
            else
              layer.write_fp8(fast_accumulation);
          }};
}

}  // namespace gainsweep::lower

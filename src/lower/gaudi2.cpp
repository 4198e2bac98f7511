#include "lower/gaudi2.hpp"

#include "graph/ops.hpp"
#include "graph/reads.hpp"
#include "lower/lowering.hpp"

namespace gainsweep::lower {
namespace {

using graph::ElementType;
using graph::ValueId;

constexpr std::monostate nothing{};

// Its products take one scale an operand.
bool runs(const graph::Op& op, const format::Format& format) {
  return format.name == "fp8_e4m3_gaudi2" &&
         format.activation->scale == format::ScaleRule::static_max &&
         format.weight.granularity == format::Granularity::tensor &&
         (graph::is_weighted_linear(op) || op.kind == graph::OpKind::matmul);
}

/// The cast multiplies by its scale, where a product takes the one that undoes it.
Codes write_cast(graph::Graph& target, const graph::Op& op, ValueId value, ValueId scale) {
  const double factor = 1 / target.value(scale).elements.at(0);
  const auto codes = target.add_node("hpu::cast_to_fp8_v2.scalar",
                                     {value, factor, false, false, "fp8_e4m3", nothing},
                                     target.value(value).shape, op.path, ElementType::fp8_e4m3);
  target.add_output({0}, ElementType::fp32);  // the largest magnitude, which nobody asks for
  return {codes, scale};
}

Codes cast(Lowering& lowering, const OpSite& site, std::size_t operand,
           const format::Format& format) {
  auto& target = lowering.rewrite().target();
  return lowering.quantized(site, operand, *format.activation, [&](std::optional<ValueId> scale) {
    return write_cast(target, site.op, site.op.operands[operand].value, scale.value());
  });
}

/// Codes made once on the host: a cast by OCP's table would make some above 240, which are no
/// numbers there.
Codes write_weight(graph::Graph& target, const graph::Op& op, const format::Format& format) {
  const auto weight = op.operands[1].value;
  const auto codes = target.add_node("gainsweep::encode_weight",
                                     {weight, format.name, format.weight.backoff, false,
                                      format.weight.scale_grid, format.weight.range},
                                     target.value(weight).shape, op.path, ElementType::fp8_e4m3);
  return {codes, target.add_output({1}, ElementType::fp32)};
}

void write_product(Lowering& lowering, const OpSite& site, const format::Format& format) {
  auto& rewrite = lowering.rewrite();
  const bool has_weight = graph::is_weighted_linear(site.op);
  const auto a = cast(lowering, site, 0, format);
  const auto b = has_weight ? write_weight(rewrite.target(), site.op, format)
                            : cast(lowering, site, 1, format);
  const auto bias = has_weight ? graph::argument_or_none(site.node, 2) : graph::Argument(nothing);
  rewrite.replace(site.node, "hpu::fp8_gemm_v2.scalar",
                  {a.values, false, b.values, has_weight, nothing, "real", a.scale, b.scale, bias});
}

}  // namespace

Target gaudi2_target() {
  return {
      .name = "gaudi2",
      .runs = runs,
      .high = [](Lowering& lowering, const OpSite& site) { lowering.rewrite().keep(site.node); },
      .low = write_product};
}

}  // namespace gainsweep::lower

#pragma once

#include "lower/lowering.hpp"

namespace gainsweep::lower {

/// A target of a few lines: int8 matmuls in plain ATen operators, everything else as it is. Both
/// operands are shared as codes inside a sub-graph, as any target's are.
inline Target toy_target() {
  const auto write = [](Lowering& lowering, const OpSite& site, const format::Format& format) {
    auto& graph = lowering.rewrite().target();
    const auto& path = site.op.path;
    const auto codes_of = [&](std::size_t operand) {
      const auto value = site.op.operands[operand].value;
      const auto shape = graph.value(value).shape;
      const auto& number = *format.activation;
      return lowering.quantized(site, operand, number, [&](std::optional<graph::ValueId> scale) {
        const auto quotient = graph.add_node("aten::div.Tensor", {value, *scale}, shape, path);
        const auto whole = graph.add_node("aten::round", {quotient}, shape, path);
        const auto codes = graph.add_node("aten::clamp", {whole, -127.0, 127.0}, shape, path);
        return Codes{codes, *scale};
      });
    };
    const auto a = codes_of(0), b = codes_of(1);
    const auto shape = graph.value(site.node.outputs[0]).shape;
    const auto sums = graph.add_node("aten::matmul", {a.values, b.values}, shape, path);
    const auto scaled = graph.add_node("aten::mul.Tensor", {sums, a.scale}, shape, path);
    lowering.rewrite().replace(site.node, "aten::mul.Tensor", {scaled, b.scale});
  };
  return {
      .name = "toy_matmuls",
      .runs =
          [](const graph::Op& op, const format::Format& format) {
            return op.kind == graph::OpKind::matmul && format.name == "int8";
          },
      .high = [](Lowering& lowering, const OpSite& site) { lowering.rewrite().keep(site.node); },
      .low = write};
}

}  // namespace gainsweep::lower

#include "lower/lowering.hpp"

#include "lower/scales.hpp"

namespace gainsweep::lower {

Lowering::Lowering(const graph::Graph& graph, const graph::Partition& partition,
                   const Maxima& maxima, const format::Format& high)
    : rewrite_(graph), maxima_(maxima), high_(high), subgraph_of_(partition.ops.size()) {
  for (std::size_t s = 0; s < partition.subgraphs.size(); ++s)
    for (const auto op : partition.subgraphs[s].ops) subgraph_of_[op.index] = s;
}

Codes Lowering::quantized(const OpSite& site, std::size_t operand,
                          const format::NumberFormat& number, const WriteCodes& write,
                          std::int64_t encoding) {
  std::optional<double> scale;
  if (number.scale != format::ScaleRule::dynamic_max)
    scale = static_scale(number, site.op, site.id.index, operand, maxima_);
  const auto value = site.op.operands.at(operand).value;
  const auto [place, inserted] =
      codes_.try_emplace({subgraph_of_[site.id.index], value.index, number.name, encoding, scale});
  if (inserted) {
    std::optional<graph::ValueId> constant;
    if (scale) constant = rewrite_.constant(*scale, graph::ElementType::fp32);
    place->second = write(constant);
  }
  return place->second;
}

}  // namespace gainsweep::lower

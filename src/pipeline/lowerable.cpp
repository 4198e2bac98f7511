#include "pipeline/lowerable.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include "format/block.hpp"

namespace gainsweep::pipeline {
namespace {

using FormatsOf = std::function<std::set<std::size_t>(std::size_t subgraph, std::size_t place)>;
using CostOf = std::function<double(OpId, std::size_t format)>;

/// Of an element of a weight times those of an activation, the measure of bit operations.
double bits(const Layout& layout, std::size_t format) {
  const auto& [weight, activation] =
      std::tie(layout.formats[format].weight, layout.formats[format].activation);
  const auto& other = activation ? *activation : layout.formats[high_format.index].weight;
  return format::stored_bits(weight) * format::stored_bits(other);
}

std::vector<Lowerable> collect(const Layout& layout, const FormatsOf& formats_of,
                               const CostOf& cost_of) {
  std::vector<Lowerable> all;
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j) {
    const auto& subgraph = layout.partition.subgraphs[j];
    for (const auto& tie : subgraph.ties) {
      Lowerable lowerable;
      for (const auto place : tie) lowerable.ops.push_back(subgraph.ops[place]);
      for (const auto format : formats_of(j, tie.front())) {
        if (format == high_format.index) continue;
        double cost = 0;
        for (const auto op : lowerable.ops) cost += cost_of(op, format);
        lowerable.formats.push_back({format, {cost}, bits(layout, format)});
      }
      all.push_back(std::move(lowerable));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.ops.front() < b.ops.front(); });
  return all;
}

}  // namespace

std::vector<Lowerable> lowerables(const Layout& layout, const gain::GainTable& gains,
                                  const sensitivity::LossErrors& errors) {
  return collect(
      layout,
      [&](std::size_t subgraph, std::size_t place) {
        std::set<std::size_t> formats;
        for (const auto& configuration : gains.configurations[subgraph])
          formats.insert(configuration[place].index);
        return formats;
      },
      [&](OpId op, std::size_t format) { return errors.d[op.index][format]; });
}

std::vector<Lowerable> lowerables(const Layout& layout) {
  std::set<std::size_t> formats;
  for (std::size_t f = 1; f < layout.formats.size(); ++f) formats.insert(f);
  return collect(
      layout, [&](std::size_t, std::size_t) { return formats; },
      [](OpId, std::size_t) { return 0.0; });
}

solve::OpFormats formats_of(const std::vector<Lowerable>& lowerables) {
  solve::OpFormats formats;
  for (const auto& lowerable : lowerables) formats.push_back(lowerable.formats);
  return formats;
}

graph::Assignment expand(const Layout& layout, const std::vector<Lowerable>& lowerables,
                         const solve::Formats& formats) {
  graph::Assignment assignment(layout.partition.ops.size(), high_format);
  for (std::size_t i = 0; i < lowerables.size(); ++i)
    for (const auto op : lowerables[i].ops) assignment[op.index] = {formats[i]};
  return assignment;
}

solve::Formats contract(const std::vector<Lowerable>& lowerables,
                        const graph::Assignment& assignment) {
  solve::Formats formats;
  for (const auto& lowerable : lowerables)
    formats.push_back(assignment[lowerable.ops.front().index].index);
  return formats;
}

}  // namespace gainsweep::pipeline

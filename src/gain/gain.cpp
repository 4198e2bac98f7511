#include "gain/gain.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.hpp"

namespace gainsweep::gain {
namespace {

using OpGain = std::function<std::int64_t(const graph::Op&, FormatId)>;

// Every op may take every format: gains that need no device add over ops.
GainTable over_ops(Objective objective, const graph::Partition& partition, std::size_t num_formats,
                   const OpGain& gain_of) {
  std::vector<FormatId> formats;
  for (std::size_t f = 0; f < num_formats; ++f) formats.push_back({f});
  GainTable table{objective, {}, {}};
  for (const auto& subgraph : partition.subgraphs) {
    auto configurations =
        graph::configurations(subgraph, std::vector(subgraph.ops.size(), formats));
    std::vector<std::int64_t> gains;
    for (const auto& configuration : configurations) {
      std::int64_t gain = 0;
      for (std::size_t i = 0; i < configuration.size(); ++i)
        gain += gain_of(partition.ops[subgraph.ops[i].index], configuration[i]);
      gains.push_back(gain);
    }
    table.configurations.push_back(std::move(configurations));
    table.gains.push_back(std::move(gains));
  }
  return table;
}

std::int64_t num_scales(const graph::Op& op, const format::Format& format) {
  if (format.activation_scale == format::ScaleRule::fixed) return 0;
  return format.weight_granularity == format::Granularity::channel ? op.weight_channels : 1;
}

}  // namespace

GainTable macs(const graph::Partition& partition, const std::vector<double>& rates) {
  return over_ops(Objective::macs, partition, rates.size(),
                  [&](const graph::Op& op, FormatId format) {
                    const double saved = 1 / rates[0] - 1 / rates[format.index];
                    return std::llround(static_cast<double>(op.macs) * saved);
                  });
}

GainTable memory(const graph::Partition& partition, const std::vector<format::Format>& formats) {
  constexpr std::int64_t scale_bytes = 4;
  return over_ops(Objective::memory, partition, formats.size(),
                  [&](const graph::Op& op, FormatId id) -> std::int64_t {
                    if (id == high_format || op.weight_elements == 0) return 0;
                    const auto& format = formats[id.index];
                    const std::int64_t low =
                        op.weight_elements * format.bits / 8 + num_scales(op, format) * scale_bytes;
                    const std::int64_t high = op.weight_elements * formats[0].bits / 8;
                    return op.weight_shared ? -low : high - low;
                  });
}

GainTable time(const MeasuredTimes& measured) {
  GainTable table{Objective::time, {}, {}};
  for (const auto& entry : measured.subgraphs) {
    std::vector<std::int64_t> gains{0};
    for (std::size_t i = 1; i < entry.configurations.size(); ++i) {
      const auto gain = latency::median_interval(latency::paired_gains(entry.timings, i), 0.95);
      gains.push_back(std::llround(1e9 * gain.median / static_cast<double>(entry.members)));
    }
    table.configurations.push_back(entry.configurations);
    table.gains.push_back(std::move(gains));
  }
  return table;
}

std::int64_t total(const GainTable& table, const graph::Partition& partition,
                   const graph::Assignment& assignment) {
  std::int64_t gain = 0;
  for (std::size_t j = 0; j < partition.subgraphs.size(); ++j) {
    graph::Configuration wanted;
    for (const auto op : partition.subgraphs[j].ops) wanted.push_back(assignment[op.index]);
    const auto& all = table.configurations[j];
    const auto found = std::find(all.begin(), all.end(), wanted);
    if (found == all.end())
      throw Error(ErrorKind::internal, "the gain table has no such configuration of sub-graph " +
                                           partition.subgraphs[j].name);
    gain += table.gains[j][static_cast<std::size_t>(found - all.begin())];
  }
  return gain;
}

}  // namespace gainsweep::gain

#include "gain/objective.hpp"

#include <cmath>

#include "base/error.hpp"
#include "gain/weight_bytes.hpp"

namespace gainsweep::gain {
namespace {

using OpGain = std::function<std::int64_t(const graph::Op&, FormatId)>;

// Every op may take every format: gains that need no device add over ops.
GainTable over_ops(const Facts& facts, const OpGain& gain_of) {
  std::vector<FormatId> formats;
  for (std::size_t f = 0; f < facts.formats.size(); ++f) formats.push_back({f});
  GainTable table;
  for (const auto& subgraph : facts.partition.subgraphs) {
    auto configurations =
        graph::configurations(subgraph, std::vector(subgraph.ops.size(), formats));
    std::vector<std::int64_t> gains;
    for (const auto& configuration : configurations) {
      std::int64_t gain = 0;
      for (std::size_t i = 0; i < configuration.size(); ++i)
        gain += gain_of(facts.partition.ops[subgraph.ops[i].index], configuration[i]);
      gains.push_back(gain);
    }
    table.configurations.push_back(std::move(configurations));
    table.gains.push_back(std::move(gains));
  }
  return table;
}

GainTable time(const Facts& facts) {
  if (!facts.times)
    throw Error(ErrorKind::config,
                "solve.objectives: time is asked for, but nothing was timed. Run the latency "
                "stage with this spec, or leave time, and budgets of seconds, out.");
  GainTable table;
  for (const auto& times : *facts.times) {
    table.configurations.push_back(times.configurations);
    table.gains.push_back(gains(times, facts.counting));
  }
  return table;
}

GainTable macs(const Facts& facts) {
  const auto& rates = facts.mac_rates;
  return over_ops(facts, [&](const graph::Op& op, FormatId format) {
    const double saved = 1 / rates[0] - 1 / rates[format.index];
    return std::llround(static_cast<double>(op.macs) * saved);
  });
}

double all_macs(const Facts& facts) {
  double sum = 0;
  for (const auto& op : facts.partition.ops) sum += static_cast<double>(op.macs);
  return sum / facts.mac_rates[0];
}

GainTable memory(const Facts& facts) {
  return over_ops(facts, [&](const graph::Op& op, FormatId format) {
    return weight_bytes(op, facts.formats, high_format) - weight_bytes(op, facts.formats, format);
  });
}

double all_memory(const Facts& facts) {
  double elements = 0;
  for (const auto& op : facts.partition.ops) elements += static_cast<double>(op.weight_elements);
  return elements * facts.formats[0].weight.bits / 8;
}

double all_parts(const Facts&) {
  return time_parts;
}

}  // namespace

Table<Objective>& objectives() {
  static Table<Objective> table{
      {"time", "time", "time of a forward pass", "1e-9", true, time, all_parts},
      {"macs", "multiply-accumulates", "multiply-accumulates of a sample at the formats' rates",
       "1", false, macs, all_macs},
      {"memory", "weight bytes", "bytes of the ops' weights and scales", "byte", false, memory,
       all_memory},
  };
  return table;
}

}  // namespace gainsweep::gain

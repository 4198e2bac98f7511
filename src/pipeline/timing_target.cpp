#include "pipeline/timing_target.hpp"

#include "archive/field.hpp"
#include "pipeline/timed_configurations.hpp"

namespace gainsweep::pipeline {
namespace {

// Blocks of different contests are resampled independently of each other.
std::uint64_t seed_of(const spec::Spec& spec, std::size_t target) {
  return static_cast<std::uint64_t>(spec.seed) * 1'000'003 + target;
}

}  // namespace

std::vector<TimingTarget> timing_targets(const Layout& layout, const spec::LatencySpec& spec) {
  std::vector<TimingTarget> targets;
  const auto add = [&](const std::string& table, std::vector<SubgraphId> lowered,
                       std::vector<SubgraphId> applies_to) {
    const auto& first = layout.partition.subgraphs[lowered.front().index];
    auto configurations = timed_configurations(layout, first);
    if (configurations.size() > 1)
      targets.push_back({table, first.name, std::move(lowered), std::move(applies_to),
                         std::move(configurations)});
  };
  const bool together = spec.scope == latency::Scope::model;
  for (std::size_t c = 0; c < layout.partition.classes.size(); ++c) {
    const auto& members = layout.partition.classes[c];
    if (spec.each_member)
      for (const auto member : members)
        add("latency/subgraph_" + std::to_string(member.index), {member}, {member});
    else
      add("latency/class_" + std::to_string(c), together ? members : std::vector{members.front()},
          members);
  }
  return targets;
}

gain::Times assign_times(const Layout& layout, const spec::Spec& spec,
                         const std::vector<TimingTarget>& targets,
                         const std::vector<std::vector<latency::Timings>>& rounds) {
  gain::Times times;
  for (const auto& subgraph : layout.partition.subgraphs)
    times.push_back({{graph::Configuration(subgraph.ops.size(), high_format)}, {{}}});
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (rounds[t].empty()) continue;
    const auto table =
        gain::measured(targets[t].configurations, latency::concatenate(rounds[t]),
                       targets[t].lowered.size(), spec.latency.rule.confidence, seed_of(spec, t));
    for (const auto subgraph : targets[t].applies_to) times[subgraph.index] = table;
  }
  return times;
}

archive::Table to_table(const Layout& layout, const std::vector<TimingTarget>& targets) {
  using archive::integers, archive::texts;
  std::vector<std::string> tables, formats, subgraphs;
  std::vector<std::int64_t> configurations, members;
  for (const auto& target : targets)
    for (std::size_t p = 0; p < target.configurations.size(); ++p) {
      tables.push_back(target.table);
      subgraphs.push_back(target.label);
      formats.push_back(joined_names(target.configurations[p], layout.formats));
      configurations.push_back(static_cast<std::int64_t>(p));
      members.push_back(static_cast<std::int64_t>(target.lowered.size()));
    }
  const archive::Axes row{{"row", tables.size()}};
  return {"timed_configurations",
          "Configurations behind the timing tables' axis `configuration`",
          archive::Nature::deterministic,
          {texts("table", tables, row, "Timing table, under /measured"),
           texts("subgraph", subgraphs, row, "First sub-graph of the class"),
           integers("configuration", configurations, row, "1", "Index in the timing table"),
           texts("formats", formats, row, "Format of each op of the sub-graph"),
           integers("members", members, row, "1",
                    "Sub-graphs lowered together, among which a gain is divided")}};
}

}  // namespace gainsweep::pipeline

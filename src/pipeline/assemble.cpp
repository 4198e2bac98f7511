#include "pipeline/assemble.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "pipeline/field.hpp"
#include "pipeline/record.hpp"

namespace gainsweep::pipeline {
namespace {

void append(std::vector<archive::Table>& tables, std::vector<archive::Table> more) {
  for (auto& table : more) tables.push_back(std::move(table));
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

// Records as tables. A frontier is the only unit of its table and as long as it comes out,
// so that its rows are not units but places on it.
std::vector<archive::Table> to_tables(std::vector<archive::Record> records) {
  auto tables = archive::stack(std::move(records));
  for (auto& table : tables) {
    if (!starts_with(table.path, "frontier/")) continue;
    table.long_name = "One row per plan on " + table.path;
    table.fields.erase(table.fields.begin(), table.fields.begin() + 2);
    for (auto& field : table.fields) {
      field.shape.erase(field.shape.begin());
      field.axes.erase(field.axes.begin());
    }
  }
  return tables;
}

// What the configurations of each timed table are, for readers of its raw seconds.
archive::Table timing_table(const Layout& layout, const std::vector<TimingTarget>& targets) {
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
  const Axes row{{"row", tables.size()}};
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

}  // namespace

std::vector<archive::Table> assemble(const Experiment& experiment, const Results& results) {
  auto tables = to_tables(experiment.layout);
  tables.push_back(timing_table(experiment.layout, experiment.timing_targets));
  std::vector<archive::Record> records;
  for (const auto stage : stages())
    for (const auto& unit : enumerate(experiment, results, stage))
      if (const auto found = results.find(unit.key); found != results.end()) {
        records.push_back(found->second);
        records.back().order = unit.order;
      }
  append(tables, to_tables(std::move(records)));
  if (obstacle(experiment, results, Stage::solve).empty())
    append(tables,
           gain_tables(experiment.layout, experiment.spec, collect_decision(experiment, results)));
  return tables;
}

std::vector<archive::Table> assemble(const archive::Contents& old, const Layout& layout,
                                     const spec::Spec& spec, const Decision& decision,
                                     std::vector<archive::Record> plans) {
  std::vector<archive::Table> tables;
  for (const auto& table : old.tables)
    if (!starts_with(table.path, "plans/") && !starts_with(table.path, "frontier/") &&
        !starts_with(table.path, "gains/"))
      tables.push_back(table);
  append(tables, to_tables(std::move(plans)));
  append(tables, gain_tables(layout, spec, decision));
  return tables;
}

Measured to_measured(const archive::Contents& contents, const Layout& layout,
                     const spec::Spec& spec) {
  Measured measured;
  const auto& scores = archive::table(contents, "scores");
  for (std::size_t unit = 0; unit < scores.fields.front().shape.at(0); ++unit)
    measured.scores.push_back(
        to_score(archive::row(scores, unit), layout.partition.ops, layout.formats.size() - 1));
  const auto targets = timing_targets(layout, spec.latency);
  std::vector<std::vector<latency::Timings>> rounds(targets.size());
  bool any = false;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const auto found =
        std::find_if(contents.tables.begin(), contents.tables.end(),
                     [&](const auto& table) { return table.path == targets[t].table; });
    if (found == contents.tables.end()) continue;
    any = true;
    for (std::size_t unit = 0; unit < found->fields.front().shape.at(0); ++unit)
      rounds[t].push_back(to_timings(archive::row(*found, unit)));
  }
  if (any) measured.times = assign_times(layout, targets, rounds);
  return measured;
}

}  // namespace gainsweep::pipeline

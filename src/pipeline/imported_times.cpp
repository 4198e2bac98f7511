#include "pipeline/imported_times.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/time_source.hpp"
#include "pipeline/timed_configurations.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;
using timing_table::Row, timing_table::TimingTable;

constexpr const char* imported_source = "imported";

// Rows of a class by configuration.
using ClassRows = std::map<graph::Configuration, Row>;

// What an archive holds of a class: all-high first.
struct ClassTimes {
  std::vector<graph::Configuration> configurations;
  std::vector<gain::Saving> savings;
};

// A row's configuration; none where one of its formats is none of the spec's.
std::optional<graph::Configuration> to_known(const Row& row, const Layout& layout) {
  graph::Configuration configuration;
  for (const auto& name : row.formats) {
    const auto found = std::find_if(layout.formats.begin(), layout.formats.end(),
                                    [&](const auto& format) { return format.name == name; });
    if (found == layout.formats.end()) return std::nullopt;
    configuration.push_back({static_cast<std::size_t>(found - layout.formats.begin())});
  }
  return configuration;
}

ClassRows rows_of(const TimingTable& table, const std::string& structure, const Layout& layout,
                  std::size_t num_ops) {
  ClassRows rows;
  for (const auto& row : table.rows) {
    if (row.subgraph != structure) continue;
    if (row.formats.size() != num_ops)
      throw Error(ErrorKind::config, "the timing table has " + std::to_string(row.formats.size()) +
                                         " formats for the " + std::to_string(num_ops) +
                                         " ops of " + structure + ". Write one for each.");
    if (auto configuration = to_known(row, layout)) rows.emplace(*std::move(configuration), row);
  }
  return rows;
}

const graph::Subgraph& first_of(const Layout& layout, std::size_t cls) {
  return layout.partition.subgraphs[layout.partition.classes[cls].front().index];
}

gain::Times to_times(const Layout& layout, const std::vector<ClassTimes>& classes,
                     double all_high_seconds) {
  gain::Times times;
  for (const auto& subgraph : layout.partition.subgraphs) {
    const auto& own = classes[subgraph.cls.index];
    times.push_back({own.configurations, own.savings, all_high_seconds, 1, imported_source});
  }
  return times;
}

TimeSource source_of(const TimingTable& table) {
  const double seconds = table.all_high_seconds;
  return {imported_source, table.device, table.digest, "", table.source, seconds, seconds, seconds};
}

archive::Table times_table(const Layout& layout, const std::vector<ClassTimes>& classes) {
  std::vector<std::int64_t> places, configurations;
  std::vector<std::string> formats;
  std::vector<double> medians, lows, highs;
  for (std::size_t c = 0; c < classes.size(); ++c)
    for (std::size_t p = 0; p < classes[c].configurations.size(); ++p) {
      places.push_back(static_cast<std::int64_t>(c));
      configurations.push_back(static_cast<std::int64_t>(p));
      formats.push_back(joined_names(classes[c].configurations[p], layout.formats));
      medians.push_back(classes[c].savings[p].median);
      lows.push_back(classes[c].savings[p].low);
      highs.push_back(classes[c].savings[p].high);
    }
  const archive::Axes row{{"row", places.size()}};
  return {"imported_times",
          "What one sub-graph of each class saves in every configuration",
          archive::Nature::deterministic,
          {integers("class", places, row, "1", "Index of the structural class"),
           integers("configuration", configurations, row, "1", "Index of the configuration"),
           texts("formats", formats, row, "Format of each op of the sub-graph"),
           reals("saved", medians, row, "1", "Part of an all-high run that it saves"),
           reals("saved_low", lows, row, "1", "Lower end of its interval"),
           reals("saved_high", highs, row, "1", "Upper end of its interval")}};
}

// Every configuration of a class, or a line that says which ones the table lacks.
std::string take(const ClassRows& rows, const std::vector<graph::Configuration>& wanted,
                 const Layout& layout, ClassTimes& times) {
  std::size_t missing = 0;
  std::string first;
  for (const auto& configuration : wanted) {
    const auto row = rows.find(configuration);
    times.configurations.push_back(configuration);
    times.savings.push_back({});
    if (row != rows.end())
      times.savings.back() = {row->second.saved, row->second.saved_low, row->second.saved_high};
    else if (wanted.size() > 1 && missing++ == 0)
      first = joined_names(configuration, layout.formats);
  }
  if (missing == 0) return {};
  return std::to_string(missing) + " of " + std::to_string(wanted.size()) +
         " configurations have no time, the first is " + first;
}

}  // namespace

std::optional<TimingTable> read_imported(const spec::Spec& spec) {
  if (spec.latency.source != imported_source) return std::nullopt;
  auto table = timing_table::read(*spec.latency.description);
  const auto& high = spec.formats.formats.front().name;
  if (table.batch != spec.latency.batch || table.length != spec.latency.length ||
      table.high != high)
    throw Error(ErrorKind::config,
                spec.latency.description->string() + " is of " + std::to_string(table.batch) +
                    " x " + std::to_string(table.length) + " tokens in " + table.high +
                    ", the spec asks for " + std::to_string(spec.latency.batch) + " x " +
                    std::to_string(spec.latency.length) + " in " + high +
                    " (nothing is interpolated). Change latency.batch, latency.length or "
                    "formats.high, or take another table.");
  return table;
}

std::vector<std::vector<FormatId>> real_formats(const TimingTable& table, const Layout& layout,
                                                const std::vector<std::string>& structures) {
  std::vector<std::vector<FormatId>> real(layout.partition.ops.size(), {high_format});
  for (const auto& subgraph : layout.partition.subgraphs) {
    const auto rows = rows_of(table, structures[subgraph.cls.index], layout, subgraph.ops.size());
    for (std::size_t i = 0; i < subgraph.ops.size(); ++i) {
      std::set<FormatId> formats{high_format};
      for (const auto& [configuration, row] : rows) formats.insert(configuration[i]);
      real[subgraph.ops[i].index].assign(formats.begin(), formats.end());
    }
  }
  return real;
}

GivenTimes given_times(const TimingTable& table, const Layout& layout,
                       const std::vector<std::string>& structures) {
  std::vector<ClassTimes> classes(structures.size());
  std::string gaps;
  std::vector<std::string> unknown;
  for (std::size_t c = 0; c < structures.size(); ++c) {
    const auto& subgraph = first_of(layout, c);
    const auto rows = rows_of(table, structures[c], layout, subgraph.ops.size());
    const auto gap = take(rows, timed_configurations(layout, subgraph), layout, classes[c]);
    if (rows.empty()) unknown.push_back(subgraph.name);
    if (!gap.empty()) gaps += "\n  " + subgraph.name + ", " + structures[c] + ": " + gap;
  }
  if (!gaps.empty())
    throw Error(ErrorKind::config, "the timing table of " + table.device + " lacks times:" + gaps +
                                       "\nAdd these rows, or take the format out of formats.low.");
  if (unknown.size() == structures.size())
    throw Error(ErrorKind::config,
                "the timing table of " + table.device +
                    " has none of the model's sub-graphs. Take one of this model and workload.");
  GivenTimes given;
  given.times = to_times(layout, classes, table.all_high_seconds);
  given.tables = {to_table(source_of(table)), times_table(layout, classes)};
  given.whence = "imported, " + table.source + " on " + table.device;
  given.digest = table.digest;
  if (!unknown.empty())
    given.notes = {{"the timing table of " + table.device +
                        " has no times of these sub-graphs and of others like them, so they stay "
                        "high where time counts",
                    unknown}};
  return given;
}

std::optional<gain::Times> to_imported_times(const archive::Contents& contents,
                                             const Layout& layout) {
  const auto is_there =
      std::any_of(contents.tables.begin(), contents.tables.end(),
                  [](const auto& table) { return table.path == "imported_times"; });
  if (!is_there) return std::nullopt;
  const auto& rows = archive::table(contents, "imported_times").fields;
  std::vector<ClassTimes> classes(layout.partition.classes.size());
  for (std::size_t row = 0; row < integers(rows, "class").size(); ++row) {
    auto& own = classes.at(static_cast<std::size_t>(integers(rows, "class")[row]));
    own.configurations.push_back(to_configuration(texts(rows, "formats")[row], layout.formats));
    own.savings.push_back(
        {reals(rows, "saved")[row], reals(rows, "saved_low")[row], reals(rows, "saved_high")[row]});
  }
  const auto& source = archive::table(contents, "time_source").fields;
  return to_times(layout, classes, reals(source, "baseline").at(0));
}

}  // namespace gainsweep::pipeline

#include "pipeline/given_times.hpp"

#include <algorithm>
#include <tuple>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "lower/fuse.hpp"
#include "pipeline/time_source.hpp"
#include "pipeline/timed_configurations.hpp"
#include "roofline/seconds.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;
using roofline::Fusion;

constexpr const char* modelled_source = "modelled";

const std::vector<Fusion>& fusions() {
  static const auto all = enumerators<Fusion>();
  return all;
}

// Seconds of a class's configurations, [configuration][fusion].
struct ClassSeconds {
  std::vector<graph::Configuration> configurations;
  std::vector<std::vector<double>> seconds;
};

// Everything that times follow from, as an archive holds it.
struct Facts {
  std::vector<double> runs, weights;  // by fusion
  std::vector<ClassSeconds> classes;  // by ClassId
};

gain::Times to_times(const Layout& layout, const Facts& facts) {
  gain::Times times;
  for (const auto& subgraph : layout.partition.subgraphs) {
    const auto& own = facts.classes[subgraph.cls.index];
    times.push_back(
        gain::stated(own.configurations, own.seconds, facts.runs, facts.weights, modelled_source));
  }
  return times;
}

// A configuration of a sub-graph, of which fused groups are one op each.
graph::Configuration as_run(const graph::Configuration& configuration,
                            const graph::Subgraph& subgraph, const lower::Fused& fused,
                            const graph::Subgraph& made) {
  graph::Configuration formats;
  for (const auto op : made.ops) {
    const auto first = fused.parts[op.index].front();
    const auto place = std::find(subgraph.ops.begin(), subgraph.ops.end(), first);
    formats.push_back(configuration[static_cast<std::size_t>(place - subgraph.ops.begin())]);
  }
  return formats;
}

ClassSeconds seconds_of(const roofline::Run& run, const Layout& layout, SubgraphId id,
                        const lower::Fused& fused) {
  const auto& subgraph = layout.partition.subgraphs[id.index];
  const auto& made = fused.partition.subgraphs[id.index];
  ClassSeconds found{timed_configurations(layout, subgraph), {}};
  for (const auto& configuration : found.configurations) {
    const auto own = as_run(configuration, subgraph, fused, made);
    auto& seconds = found.seconds.emplace_back();
    for (const auto fusion : fusions())
      seconds.push_back(roofline::subgraph_seconds(run, fusion, made, own));
  }
  return found;
}

TimeSource source_of(const Modelled& modelled, const gain::Times& times, const Facts& facts) {
  const auto& [description, digest] = modelled;
  const auto [least, most] = std::minmax_element(facts.runs.begin(), facts.runs.end());
  return {modelled_source,           description.device,      digest, join(description.assumed),
          join(description.sources), times.front().reference, *least, *most};
}

archive::Table run_table(const Facts& facts) {
  std::vector<std::string> names;
  for (const auto fusion : fusions()) names.emplace_back(spelling(fusion));
  const archive::Axes axis{{"fusion", names.size()}};
  return {"modelled_runs",
          "An all-high run under each fusion",
          archive::Nature::deterministic,
          {texts("fusion", names, axis, "What becomes of the passes between matrix products"),
           reals("seconds", facts.runs, axis, "s", "Time of the run"),
           reals("weight", facts.weights, axis, "1", "Of the fusion in what stands for all")}};
}

archive::Table seconds_table(const Layout& layout, const Facts& facts) {
  std::vector<std::int64_t> classes, configurations;
  std::vector<std::string> formats;
  std::vector<std::vector<double>> seconds;
  for (std::size_t c = 0; c < facts.classes.size(); ++c)
    for (std::size_t p = 0; p < facts.classes[c].configurations.size(); ++p) {
      classes.push_back(static_cast<std::int64_t>(c));
      configurations.push_back(static_cast<std::int64_t>(p));
      formats.push_back(joined_names(facts.classes[c].configurations[p], layout.formats));
      seconds.push_back(facts.classes[c].seconds[p]);
    }
  const archive::Axes row{{"row", classes.size()}};
  return {"modelled_times",
          "Ops and casts of one sub-graph of each class in every configuration",
          archive::Nature::deterministic,
          {integers("class", classes, row, "1", "Index of the structural class"),
           integers("configuration", configurations, row, "1", "Index of the configuration"),
           texts("formats", formats, row, "Format of each op of the sub-graph"),
           reals("seconds", archive::flatten(seconds),
                 {{"row", classes.size()}, {"fusion", facts.runs.size()}}, "s",
                 "Time of its ops and casts")}};
}

// Formats that ops stay out of where time counts.
std::vector<model::Note> notes_on(const Modelled& modelled, const Layout& layout) {
  std::vector<std::string> without;
  for (std::size_t f = 1; f < layout.formats.size(); ++f)
    if (roofline::rate_of(modelled.description, layout.formats[f]) == nullptr)
      without.push_back(layout.formats[f].name);
  const auto& device = modelled.description.device;
  if (without.size() + 1 == layout.formats.size())
    throw Error(ErrorKind::config, "latency.description: " + device +
                                       " has a rate for none of the low formats (" + join(without) +
                                       "). Add one under its 'formats', or to formats.low one of " +
                                       "those that are there.");
  if (without.empty()) return {};
  return {{"modelled times: " + device +
               " has no rate for these formats, so where time counts no op takes them",
           without}};
}

}  // namespace

std::optional<Modelled> read_modelled(const spec::LatencySpec& latency) {
  if (latency.source != modelled_source) return std::nullopt;
  auto description = roofline::read(*latency.description);
  auto digest = digest::of_text(description.text);
  return Modelled{std::move(description), std::move(digest)};
}

std::vector<FormatId> real_formats(const Modelled& modelled, const graph::Op& op,
                                   const std::vector<format::Format>& formats) {
  const auto& description = modelled.description;
  if (roofline::rate_of(description, formats.front()) == nullptr)
    throw Error(ErrorKind::config, "latency.description: " + description.device +
                                       " has no rate for the high format " + formats.front().name +
                                       ". Add it under rates_tflops, or take another high format.");
  std::vector<FormatId> real{high_format};
  for (std::size_t f = 1; f < formats.size(); ++f)
    if (roofline::runs(description, op, formats[f])) real.push_back({f});
  return real;
}

std::vector<double> relative_rates(const Modelled& modelled,
                                   const std::vector<format::Format>& formats) {
  const auto* high = roofline::rate_of(modelled.description, formats.front());
  std::vector<double> rates;
  for (const auto& format : formats) {
    const auto* own = roofline::rate_of(modelled.description, format);
    rates.push_back(high == nullptr || own == nullptr ? 0 : own->published / high->published);
  }
  return rates;
}

GivenTimes given_times(const Modelled& modelled, const Layout& layout, const graph::Graph& graph) {
  GivenTimes given;
  given.notes = notes_on(modelled, layout);
  auto partition = layout.partition;
  partition.ops = graph::quantizable_ops(graph);
  const auto& [ops, known] = std::tie(partition.ops, layout.partition.ops);
  if (!std::equal(ops.begin(), ops.end(), known.begin(), known.end(),
                  [](const auto& a, const auto& b) { return a.path == b.path; }))
    throw Error(ErrorKind::internal,
                "the graph of the latency workload has other ops than that of the calibration "
                "samples. Report this.");
  const auto fused = lower::fuse(graph, partition);
  const roofline::Run run{modelled.description, fused.graph, fused.partition.ops, layout.formats};
  Facts facts;
  for (const auto fusion : fusions()) {
    facts.runs.push_back(roofline::run_seconds(run, fusion));
    facts.weights.push_back(modelled.description.weight.at(fusion));
  }
  for (const auto& members : partition.classes)
    facts.classes.push_back(seconds_of(run, layout, members.front(), fused));
  given.times = to_times(layout, facts);
  given.tables = {to_table(source_of(modelled, given.times, facts)), run_table(facts),
                  seconds_table(layout, facts)};
  given.whence = "modelled of " + modelled.description.device;
  given.digest = modelled.digest;
  return given;
}

std::optional<gain::Times> to_given_times(const archive::Contents& contents, const Layout& layout) {
  const auto is_there =
      std::any_of(contents.tables.begin(), contents.tables.end(),
                  [](const auto& table) { return table.path == "modelled_times"; });
  if (!is_there) return std::nullopt;
  const auto& runs = archive::table(contents, "modelled_runs").fields;
  const auto& rows = archive::table(contents, "modelled_times").fields;
  Facts facts{reals(runs, "seconds"), reals(runs, "weight"), {}};
  facts.classes.resize(layout.partition.classes.size());
  const auto& seconds = reals(rows, "seconds");
  for (std::size_t row = 0; row < integers(rows, "class").size(); ++row) {
    auto& own = facts.classes.at(static_cast<std::size_t>(integers(rows, "class")[row]));
    own.configurations.push_back(to_configuration(texts(rows, "formats")[row], layout.formats));
    const auto first = seconds.begin() + static_cast<std::ptrdiff_t>(row * facts.runs.size());
    own.seconds.emplace_back(first, first + static_cast<std::ptrdiff_t>(facts.runs.size()));
  }
  return to_times(layout, facts);
}

}  // namespace gainsweep::pipeline

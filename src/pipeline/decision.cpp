#include "pipeline/decision.hpp"

#include "archive/field.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::texts;

// A change of what plans follow from takes the next number, with a line in the changelog.
constexpr std::int64_t decision_version = 2;

gain::GainTable gain_table(const Layout& layout, const spec::Spec& spec, gain::Objective objective,
                           const Measured& measured) {
  switch (objective) {
    case gain::Objective::time:
      if (!measured.times)
        throw Error(ErrorKind::config,
                    "solve.objectives: time is asked for, but nothing was timed. Run the latency "
                    "stage with this spec, or leave time out.");
      return gain::time(*measured.times);
    case gain::Objective::macs: {
      std::vector<double> rates;
      for (const auto& format : layout.formats) rates.push_back(spec::mac_rate(spec, format));
      return gain::macs(layout.partition, rates);
    }
    case gain::Objective::memory:
      break;
  }
  return gain::memory(layout.partition, layout.formats);
}

std::string digest_of(const Layout& layout, const sensitivity::LossErrors& errors,
                      const gain::GainTable& gains) {
  digest::Builder builder;
  builder.add("version", decision_version).add("length", layout.length);
  for (const auto& format : layout.formats) builder.add("name", format.name);
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto op : subgraph.ops) builder.add("op", static_cast<std::int64_t>(op.index));
  builder.add("mean_square_loss", errors.mean_square_loss).add("samples", errors.samples);
  for (const auto& row : errors.d)
    for (const double d : row) builder.add("d", d);
  for (std::size_t j = 0; j < gains.gains.size(); ++j)
    for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
      builder.add("gain", gains.gains[j][p]);
      for (const auto format : gains.configurations[j][p])
        builder.add("format", static_cast<std::int64_t>(format.index));
    }
  return builder.finish();
}

}  // namespace

archive::Nature nature_of(gain::Objective objective) {
  return objective == gain::Objective::time ? archive::Nature::measured
                                            : archive::Nature::deterministic;
}

const char* gain_units(gain::Objective objective) {
  switch (objective) {
    case gain::Objective::time:
      return "ns";
    case gain::Objective::memory:
      return "byte";
    case gain::Objective::macs:
      break;
  }
  return "1";
}

Decision decide(const Layout& layout, const spec::Spec& spec, const Measured& measured) {
  if (measured.scores.empty())
    throw Error(ErrorKind::input,
                "no calibration sample was scored, so there is nothing to plan with. The archive's "
                "table 'failures' says why.");
  Decision decision;
  decision.errors = sensitivity::loss_errors(measured.scores, layout.formats, spec.solve.noise);
  for (const auto objective : spec.solve.objectives) {
    decision.gains.push_back(gain_table(layout, spec, objective, measured));
    decision.digests.push_back(digest_of(layout, decision.errors, decision.gains.back()));
  }
  return decision;
}

std::vector<archive::Table> gain_tables(const Layout& layout, const spec::Spec& spec,
                                        const Decision& decision) {
  std::vector<archive::Table> tables;
  for (std::size_t o = 0; o < decision.gains.size(); ++o) {
    const auto& gains = decision.gains[o];
    std::vector<std::int64_t> subgraphs, configurations, values;
    std::vector<std::string> formats;
    for (std::size_t j = 0; j < gains.gains.size(); ++j)
      for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
        subgraphs.push_back(static_cast<std::int64_t>(j));
        configurations.push_back(static_cast<std::int64_t>(p));
        values.push_back(gains.gains[j][p]);
        formats.push_back(joined_names(gains.configurations[j][p], layout.formats));
      }
    const auto objective = spec.solve.objectives[o];
    const archive::Axes row{{"row", values.size()}};
    tables.push_back(
        {std::string("gains/") + spelling(objective),
         "What each configuration saves against the all-high one",
         nature_of(objective),
         {integers("subgraph", subgraphs, row, "1", "Index of the sub-graph"),
          integers("configuration", configurations, row, "1", "Index of the configuration"),
          texts("formats", formats, row, "Format of each op of the sub-graph"),
          integers("gain", values, row, gain_units(objective), "Gain of the configuration")}});
  }
  return tables;
}

}  // namespace gainsweep::pipeline

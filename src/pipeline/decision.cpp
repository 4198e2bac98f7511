#include "pipeline/decision.hpp"

#include <algorithm>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "gain/resource.hpp"
#include "pipeline/plan_predictor.hpp"
#include "pipeline/stability.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

// A change of what plans follow from takes the next number, with a line in the changelog.
constexpr std::int64_t decision_version = 4;

std::string digest_of(const Layout& layout, const spec::Spec& spec, const Decision& decision,
                      std::size_t aim) {
  const auto& errors = decision.errors;
  const auto& gains = decision.gains[aim];
  digest::Builder builder;
  builder.add("version", decision_version).add("targets", decision.errors.targets);
  for (const auto& format : layout.formats) builder.add("name", format.name);
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto op : subgraph.ops) builder.add("op", static_cast<std::int64_t>(op.index));
  builder.add("mean_square_loss", errors.mean_square_loss).add("samples", errors.samples);
  // Of the resamples, which the intervals of predictions come from.
  builder.add("seed", spec.seed);
  if (const auto rate = decision.predictor->bias_rate())
    builder.add("bias_rate", rate->value).add("low", rate->low).add("high", rate->high);
  for (const auto& row : errors.d)
    for (const double d : row) builder.add("d", d);
  for (std::size_t j = 0; j < gains.gains.size(); ++j)
    for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
      builder.add("gain", gains.gains[j][p]);
      for (const auto format : gains.configurations[j][p])
        builder.add("format", static_cast<std::int64_t>(format.index));
    }
  for (const auto& constraint : decision.constraints[aim]) {
    builder.add("resource", constraint.resource).add("limit", constraint.limit);
    for (const auto& of_subgraph : constraint.charges)
      for (const double charge : of_subgraph) builder.add("charge", charge);
  }
  return builder.finish();
}

// In the high format.
double bytes_beside(const Layout& layout, const spec::SolveSpec& solve) {
  double elements = static_cast<double>(layout.held.parameters);
  for (const auto& cache : layout.held.caches) {
    const auto tokens = cache.window == 0 ? solve.context : std::min(cache.window, solve.context);
    elements += static_cast<double>(cache.elements) * static_cast<double>(tokens) *
                static_cast<double>(solve.sequences);
  }
  return elements * layout.formats.front().weight.bits / 8;
}

std::vector<Constraint> constraints_of(const spec::Spec& spec, const gain::Facts& facts,
                                       const Aim& aim, const gain::GainTable& gains) {
  std::vector<std::pair<std::string, double>> limited(spec.solve.constraints.begin(),
                                                      spec.solve.constraints.end());
  if (aim.is_budget()) limited.emplace(limited.begin(), aim.resource, 0);
  std::vector<Constraint> constraints;
  for (const auto& [name, allowed] : limited) {
    const auto& resource = gain::resources().at(name);
    constraints.push_back(
        {name, allowed, resource.limit(facts, allowed), resource.charges(facts, gains)});
  }
  return constraints;
}

}  // namespace

bool follows_times(const spec::Spec& spec, const std::string& objective) {
  const auto& limited = spec.solve.constraints;
  return gain::objectives().at(objective).of_times ||
         std::any_of(limited.begin(), limited.end(),
                     [](const auto& entry) { return gain::resources().at(entry.first).of_times; });
}

archive::Nature nature_of(const spec::Spec& spec, const std::string& objective) {
  return follows_times(spec, objective) && spec::measures(spec.latency)
             ? archive::Nature::measured
             : archive::Nature::deterministic;
}

gain::Facts gain_facts(const Layout& layout, const spec::Spec& spec,
                       const std::optional<gain::Times>& times) {
  std::vector<double> rates;
  for (std::size_t f = 0; f < layout.formats.size(); ++f) {
    const double published = f < layout.device_rates.size() ? layout.device_rates[f] : 0;
    rates.push_back(spec::mac_rate(spec, layout.formats[f], published));
  }
  return {layout.partition, layout.formats,
          std::move(rates), times,
          spec.solve.gain,  bytes_beside(layout, spec.solve)};
}

sensitivity::Scores scores_of(const Layout& layout, const Measured& measured) {
  return {measured.scores, layout.partition.ops, layout.formats};
}

Decision decide(const Layout& layout, const spec::Spec& spec, const Measured& measured) {
  if (measured.scores.empty())
    throw Error(ErrorKind::input,
                "no calibration sample was scored, so there is nothing to plan with. The archive's "
                "table 'failures' says why.");
  Decision decision;
  decision.times = measured.times;
  const auto& noise = sensitivity::noises().at(spec.solve.noise);
  decision.errors = sensitivity::loss_errors(scores_of(layout, measured), noise);
  decision.predictor = std::make_shared<const PlanPredictor>(layout, measured, noise, spec.seed);
  if (const auto rate = decision.predictor->bias_rate()) decision.errors.bias_rate = rate->value;
  if (spec.solve.resamples > 0)
    decision.resampling = std::make_shared<const Resampling>(layout, spec, measured);
  const auto facts = gain_facts(layout, spec, measured.times);
  decision.aims = aims(spec.solve);
  for (std::size_t a = 0; a < decision.aims.size(); ++a) {
    const auto& aim = decision.aims[a];
    decision.gains.push_back(gain::objectives().at(aim.objective).gains(facts));
    decision.constraints.push_back(constraints_of(spec, facts, aim, decision.gains[a]));
    decision.lowerables.push_back(lowerables(layout, decision.gains[a], decision.errors));
    decision.digests.push_back(digest_of(layout, spec, decision, a));
  }
  return decision;
}

namespace {

// The objectives of the spec, then those that save what it has budgets of, each once.
std::vector<std::string> objectives_of(const spec::Spec& spec) {
  std::vector<std::string> names;
  for (const auto& aim : aims(spec.solve))
    if (std::find(names.begin(), names.end(), aim.objective) == names.end())
      names.push_back(aim.objective);
  return names;
}

// Those of a nature.
archive::Table objective_table(const Layout& layout, const spec::Spec& spec,
                               archive::Nature nature) {
  std::vector<std::string> names, titles, meanings, units, sources;
  std::vector<std::int64_t> of_times;
  std::vector<double> wholes;
  const std::optional<gain::Times> no_times;
  const auto facts = gain_facts(layout, spec, no_times);
  for (const auto& name : objectives_of(spec)) {
    const auto& objective = gain::objectives().at(name);
    if (nature_of(spec, name) != nature) continue;
    names.push_back(name);
    titles.push_back(objective.title);
    meanings.push_back(objective.help);
    of_times.push_back(objective.of_times ? 1 : 0);
    units.push_back(objective.unit);
    wholes.push_back(objective.whole(facts));
    sources.push_back(objective.of_times ? spec.latency.source : "");
  }
  const archive::Axes row{{"row", names.size()}};
  return {"objectives",
          "What plans gain",
          nature,
          {texts("objective", names, row, "Name"), texts("title", titles, row, "What is saved"),
           texts("meaning", meanings, row, "The same in full"),
           integers("of_times", of_times, row, "1", "1 where its gains follow from times"),
           texts("source", sources, row, "Where these come from; empty where they do not"),
           texts("units", units, row, "Units of its gains"),
           reals("whole", wholes, row, "1", "What the all-high model takes, in those units")}};
}

// The resources with budgets of a nature.
archive::Table resource_table(const spec::Spec& spec, const Decision& decision,
                              archive::Nature nature) {
  std::vector<std::string> names, meanings, units, objectives;
  std::vector<double> wholes, leasts;
  for (std::size_t a = 0; a < decision.aims.size(); ++a) {
    const auto& aim = decision.aims[a];
    if (!aim.is_budget() || nature_of(spec, aim.objective) != nature) continue;
    const auto& resource = gain::resources().at(aim.resource);
    const auto& constraint = decision.constraints[a].front();
    names.push_back(aim.resource);
    meanings.push_back(resource.help);
    units.push_back(resource.unit);
    objectives.push_back(aim.objective);
    wholes.push_back(-constraint.limit);
    leasts.push_back(-constraint.limit);
    for (const auto& of_subgraph : constraint.charges) {
      wholes.back() += of_subgraph.front();
      leasts.back() += *std::min_element(of_subgraph.begin(), of_subgraph.end());
    }
  }
  const archive::Axes row{{"row", names.size()}};
  return {"resources",
          "What there are budgets of",
          nature,
          {texts("resource", names, row, "Name"), texts("meaning", meanings, row, "What it is"),
           texts("units", units, row, "Units of its amounts"),
           texts("objective", objectives, row, "The objective whose gains save it"),
           reals("whole", wholes, row, "1", "What the all-high model takes, in those units"),
           reals("least", leasts, row, "1", "The least that any plan takes, in those units")}};
}

}  // namespace

namespace {

// What is behind the gains of a table: of one member, as parts of an all-high run.
void add_savings(archive::Table& table, const gain::Times& times, const std::string& source) {
  std::vector<double> medians, lows, highs;
  for (const auto& of_subgraph : times)
    for (const auto& saving : of_subgraph.savings) {
      const auto members = static_cast<double>(of_subgraph.members);
      medians.push_back(saving.median / members);
      lows.push_back(saving.low / members);
      highs.push_back(saving.high / members);
    }
  const archive::Axes row{{"row", medians.size()}};
  table.fields.push_back(
      reals("saved", medians, row, "1", "Part of an all-high run that it saves"));
  table.fields.push_back(reals("saved_low", lows, row, "1", "Lower end of its interval"));
  table.fields.push_back(reals("saved_high", highs, row, "1", "Upper end of its interval"));
  const std::vector<std::string> sources(medians.size(), source);
  table.fields.push_back(texts("source", sources, row, "Where its time comes from"));
}

}  // namespace

std::vector<archive::Table> gain_tables(const Layout& layout, const spec::Spec& spec,
                                        const Decision& decision) {
  std::vector<archive::Table> tables;
  for (std::size_t o = 0; o < spec.solve.objectives.size(); ++o) {
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
    const auto& objective = gain::objectives().at(spec.solve.objectives[o]);
    const archive::Axes row{{"row", values.size()}};
    tables.push_back(
        {"gains/" + objective.name,
         "What each configuration saves against the all-high one",
         nature_of(spec, objective.name),
         {integers("subgraph", subgraphs, row, "1", "Index of the sub-graph"),
          integers("configuration", configurations, row, "1", "Index of the configuration"),
          texts("formats", formats, row, "Format of each op of the sub-graph"),
          integers("gain", values, row, objective.unit, "Gain of the configuration")}});
    if (objective.of_times) add_savings(tables.back(), *decision.times, spec.latency.source);
  }
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured})
    for (auto& table :
         {objective_table(layout, spec, nature), resource_table(spec, decision, nature)})
      if (table.fields[0].shape[0] > 0) tables.push_back(table);
  return tables;
}

}  // namespace gainsweep::pipeline

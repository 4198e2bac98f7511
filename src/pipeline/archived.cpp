#include "pipeline/archived.hpp"

#include <algorithm>
#include <string_view>

#include "batch/experiment.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/score.hpp"

namespace gainsweep::pipeline {
namespace {

std::size_t num_rows(const archive::Table& table) {
  return table.fields.front().shape.at(0);
}

// Scores and timings, as the units of the archive's own spec left them.
Measured to_measured(const archive::Contents& contents, const Layout& layout,
                     const spec::Spec& spec) {
  Measured measured;
  const auto& scores = archive::table(contents, "scores");
  for (std::size_t unit = 0; unit < num_rows(scores); ++unit)
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
    for (std::size_t unit = 0; unit < num_rows(*found); ++unit)
      rounds[t].push_back(to_timings(archive::row(*found, unit)));
  }
  if (any) measured.times = assign_times(layout, targets, rounds);
  return measured;
}

bool is_planned(const archive::Table& table) {
  const std::string_view path = table.path;
  return path.starts_with("plans/") || path.starts_with("frontier/") || path.starts_with("gains/");
}

// The same units as in a run, done at once.
batch::Experiment plans_of(const Layout& layout, const spec::Spec& spec, const Decision& decision,
                           batch::Results& results) {
  std::vector<batch::Unit> units;
  const auto all = questions(spec.solve);
  for (std::size_t i = 0; i < all.size(); ++i) {
    batch::Unit unit;
    static_cast<batch::Ticket&>(unit) = ticket(spec, all[i], i);
    unit.key = key::plan(decision.digests[all[i].objective], key_facts(spec, all[i]));
    results.add(batch::record(unit, answer(layout, spec, all[i], decision)));
    units.push_back(std::move(unit));
  }
  batch::Experiment experiment;
  experiment.stages = {
      {"planning", [units](const batch::Results&) { return batch::Call{units}; }, {}}};
  experiment.tables = [](const batch::Results&) { return std::vector<archive::Table>{}; };
  return experiment;
}

void append(std::vector<archive::Table>& tables, std::vector<archive::Table> more) {
  std::move(more.begin(), more.end(), std::back_inserter(tables));
}

}  // namespace

std::vector<archive::Table> plan_archived(const archive::Contents& contents,
                                          const spec::Spec& spec) {
  const auto layout = to_layout(contents, spec.formats.formats, spec.calibration.length);
  const auto decision = decide(layout, spec, to_measured(contents, layout, spec));
  std::vector<archive::Table> tables;
  for (const auto& table : contents.tables)
    if (!is_planned(table)) tables.push_back(table);
  batch::Results results;
  const auto plans = plans_of(layout, spec, decision, results);
  append(tables, batch::tables(plans, results));
  append(tables, gain_tables(layout, spec, decision));
  return tables;
}

}  // namespace gainsweep::pipeline

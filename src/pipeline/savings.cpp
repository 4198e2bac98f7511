#include "pipeline/savings.hpp"

#include <algorithm>
#include <iomanip>
#include <set>
#include <sstream>

#include "archive/field.hpp"
#include "base/text.hpp"
#include "gain/objective.hpp"
#include "latency/measure.hpp"
#include "pipeline/card_states.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

double baseline(const TimedContest& contest, double confidence) {
  return latency::median_interval(latency::all_high_seconds(contest.timings), confidence).median;
}

// The least baseline of sub-graphs' contests: what gain::quietest_baseline finds, too.
std::size_t quietest(const std::vector<TimedContest>& contests,
                     const std::vector<double>& baselines) {
  std::size_t least = contests.size();
  for (std::size_t i = 0; i < contests.size(); ++i)
    if (contests[i].assignment_key.empty() &&
        (least == contests.size() || baselines[i] < baselines[least]))
      least = i;
  return least;
}

std::string percent(double share) {
  std::ostringstream text;
  text << std::setprecision(2) << 100 * share << " %";
  return text.str();
}

}  // namespace

std::vector<TimedContest> timed_contests(const std::vector<TimingTarget>& targets,
                                         const std::vector<std::vector<latency::Timings>>& rounds) {
  std::vector<TimedContest> contests;
  for (std::size_t t = 0; t < targets.size(); ++t)
    if (!rounds[t].empty())
      contests.push_back({targets[t].table, "", targets[t].label, latency::concatenate(rounds[t])});
  return contests;
}

std::vector<archive::Table> contest_tables(const spec::Spec& spec,
                                           const std::vector<TimedContest>& contests) {
  if (contests.empty()) return {};
  const auto& rule = spec.latency.rule;
  std::vector<std::string> tables, keys, labels;
  std::vector<double> baselines, widths;
  std::vector<std::int64_t> blocks, precise, marks, slow;
  bool tells_cards = false;
  for (const auto& contest : contests) {
    tables.push_back(contest.table);
    keys.push_back(contest.assignment_key);
    labels.push_back(contest.label);
    baselines.push_back(baseline(contest, rule.confidence));
    blocks.push_back(static_cast<std::int64_t>(contest.timings.seconds.size()));
    widths.push_back(latency::widest_interval(contest.timings, rule.confidence));
    precise.push_back(latency::is_precise(contest.timings, rule) ? 1 : 0);
    slow.push_back(slow_blocks(contest.timings));
    tells_cards = tells_cards || !contest.timings.cards.empty();
  }
  const auto least = quietest(contests, baselines);
  for (std::size_t i = 0; i < contests.size(); ++i) marks.push_back(i == least ? 1 : 0);
  const archive::Axes row{{"row", contests.size()}};
  archive::Table table{
      "contests",
      "What was timed against each other, and how precisely",
      archive::Nature::measured,
      {texts("table", tables, row, "Table of its rounds, under /measured"),
       texts("assignment_key", keys, row, "Plan that was timed; empty for sub-graphs"),
       texts("label", labels, row, "First sub-graph of the class, or the plan"),
       reals("baseline", baselines, row, "s", "Median time of the whole all-high model"),
       integers("blocks", blocks, row, "1", "Blocks of all its rounds"),
       reals("width", widths, row, "1",
             "Widest interval of what a configuration saves, as a part of the all-high run beside"),
       integers("is_precise", precise, row, "1", "1 where that is what latency.precision asks"),
       integers("is_quietest", marks, row, "1",
                "1 for the least baseline: seconds are parts of this one")}};
  if (tells_cards)
    table.fields.push_back(
        integers("held_back", slow, row, "1", "Blocks around which the card was held back"));
  return {std::move(table)};
}

std::vector<std::string> imprecision(const spec::Spec& spec,
                                     const std::vector<TimedContest>& contests) {
  const auto& rule = spec.latency.rule;
  std::size_t wide = 0;
  const TimedContest* widest = nullptr;
  double width = 0;
  for (const auto& contest : contests) {
    if (latency::is_precise(contest.timings, rule)) continue;
    ++wide;
    const double own = latency::widest_interval(contest.timings, rule.confidence);
    if (widest != nullptr && own <= width) continue;
    widest = &contest;
    width = own;
  }
  if (wide == 0) return {};
  return {"times are less precise than the " + percent(rule.precision) +
          " of a run that latency.precision asks for: the intervals of " + std::to_string(wide) +
          " of " + std::to_string(contests.size()) + " contests, up to " + percent(width) +
          " for " + widest->label +
          " (other work on the machine does this; tables and reports mark them). Run it on an idle "
          "machine, or allow more latency.repetitions."};
}

std::vector<graph::Assignment> told(const spec::Spec& spec, const Question& question,
                                    const Plans& plans) {
  if (gain::objectives().at(aims(spec.solve)[question.aim].objective).of_times)
    return plans.assignments;
  return {plans.assignments.front()};
}

std::vector<archive::Table> saving_tables(const Layout& layout, const spec::Spec& spec,
                                          const std::optional<gain::Times>& times,
                                          const std::vector<graph::Assignment>& assignments) {
  if (!times) return {};
  std::set<graph::Assignment> seen;
  std::vector<std::string> keys;
  std::vector<double> medians, lows, highs;
  for (const auto& assignment : assignments) {
    if (!seen.insert(assignment).second) continue;
    const auto saving =
        gain::saving(*times, layout.partition, assignment, spec.latency.rule.confidence);
    if (!saving) continue;
    keys.push_back(assignment_key(assignment, layout.formats));
    medians.push_back(saving->median);
    lows.push_back(saving->low);
    highs.push_back(saving->high);
  }
  if (keys.empty()) return {};
  const archive::Axes row{{"row", keys.size()}};
  return {
      {"savings",
       "Time that plans save, predicted from the times of their sub-graphs",
       spec::measures(spec.latency) ? archive::Nature::measured : archive::Nature::deterministic,
       {texts("assignment_key", keys, row, "Digest that joins plans and evaluations"),
        reals("saved", medians, row, "1", "Part of an all-high run: sum of the medians"),
        reals("saved_low", lows, row, "1", "Lower end of its interval"),
        reals("saved_high", highs, row, "1", "Upper end")}}};
}

}  // namespace gainsweep::pipeline

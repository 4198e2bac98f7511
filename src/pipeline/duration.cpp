#include "pipeline/duration.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "pipeline/answers.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/course.hpp"
#include "pipeline/pace.hpp"
#include "pipeline/relay.hpp"
#include "pipeline/room.hpp"

namespace gainsweep::pipeline {
namespace {

std::size_t rounded_up(std::size_t count, std::size_t parts) {
  return (count + parts - 1) / parts;
}

Pace sum(const std::vector<Pace>& paces) {
  Pace total;
  for (const auto& pace : paces) {
    total.once += pace.once;
    total.run += pace.run;
  }
  return total;
}

Pace mean(const std::vector<Pace>& paces) {
  const auto total = sum(paces);
  const auto count = static_cast<double>(paces.size());
  return {total.once / count, total.run / count};
}

std::vector<Pace> in_all_formats(const Subject& subject,
                                 Pace (*pace)(const Subject& subject, FormatId format)) {
  std::vector<Pace> paces;
  for (std::size_t f = 0; f < subject.layout.formats.size(); ++f)
    paces.push_back(pace(subject, FormatId{f}));
  return paces;
}

// High first, then the low formats that any op really runs in.
std::vector<Pace> timed_paces(const Subject& subject) {
  std::vector<Pace> paces;
  const auto& all = subject.layout.real_formats;
  for (std::size_t f = 0; f < subject.layout.formats.size(); ++f) {
    const bool is_real = f == 0 || std::any_of(all.begin(), all.end(), [&](const auto& own) {
                           return std::find(own.begin(), own.end(), FormatId{f}) != own.end();
                         });
    if (is_real) paces.push_back(timed_pace(subject, FormatId{f}));
  }
  return paces;
}

/// Seconds of a contest's programs.
struct Programs {
  double prepared = 0;    ///< once
  double baseline = 0;    ///< a run of the first program
  double others = 0;      ///< a run of each other one, summed
  double num_others = 1;  ///< of these
  double between = 0;     ///< before each run; the budget is not spent on it
};

// All rounds that blocks and budget allow: how soon times are precise is not known before.
double seconds_of(const Programs& programs, const latency::StoppingRule& rule) {
  const auto blocks_of_round = static_cast<double>(rule.least_repetitions);
  const double block = programs.baseline + programs.others;
  const double before_others = programs.num_others * programs.between;
  const auto by_blocks = static_cast<double>(most_rounds(rule));
  const double by_budget = std::ceil(rule.budget_seconds / (blocks_of_round * block));
  const double rounds = std::max(1.0, std::min(by_blocks, by_budget));
  const auto window = std::max<std::int64_t>(3, rule.warmup / 2);
  const auto warm_up = static_cast<double>(std::max(rule.warmup, 2 * window));
  const double round = warm_up * (programs.baseline + programs.between) +
                       2 * (programs.others + before_others) +
                       blocks_of_round * (block + programs.between + before_others);
  return programs.prepared + rounds * round;
}

// How many plans' worth of segments the relay takes over from plans that begin alike.
double shared_plans(const Subject& subject, const std::vector<graph::Assignment>& plans) {
  const auto& ops = subject.layout.partition.ops;
  const auto legs = course(*subject.evaluation_graph, ops).legs;
  std::vector<std::string> kin{kin_of("", {graph::Assignment(ops.size())})};
  for (const auto& plan : plans) kin.push_back(kin_of("", {plan}));
  std::sort(kin.begin(), kin.end());
  std::size_t shared = 0;
  for (std::size_t i = 1; i < kin.size(); ++i)
    shared += legs_alike(legs, ops.size(), kin[i], kin[i - 1]);
  return static_cast<double>(shared) / static_cast<double>(legs.size());
}

double part_of_macs(const graph::Partition& partition, SubgraphId subgraph) {
  double own = 0, all = 0;
  for (const auto& op : partition.ops) all += static_cast<double>(op.run_macs);
  for (const auto op : partition.subgraphs[subgraph.index].ops)
    own += static_cast<double>(partition.ops[op.index].run_macs);
  return all == 0 ? 1 : own / all;
}

}  // namespace

double anchor_seconds(const Subject& subject, std::size_t num_samples) {
  if (num_samples == 0) return 0;
  const auto total = sum(in_all_formats(subject, evaluation_pace));
  const auto room = anchor_room(subject);
  const auto together = std::min(most_anchors_together,
                                 samples_at_once(subject, room, subject.layout.formats.size()));
  const auto parts = static_cast<double>(rounded_up(num_samples, together));
  const double kept = part_kept(subject, room);
  return static_cast<double>(num_samples) * total.run + (kept + (1 - kept) * parts) * total.once;
}

double evaluation_seconds(const Subject& subject, const std::vector<graph::Assignment>& plans,
                          std::size_t again) {
  const auto num_samples = subject.evaluation->ids.size();
  if (num_samples == 0) return 0;
  const auto paces = in_all_formats(subject, evaluation_pace);
  const auto& high = paces.front();
  const auto plan = mean(paces);
  const auto room = evaluation_room(subject);
  const auto asked = static_cast<std::size_t>(subject.spec.evaluate.chunk);
  const auto chunk = asked == 0 ? num_samples : asked;
  const auto at_once = samples_at_once(subject, room, 2);
  const auto parts =
      static_cast<double>(rounded_up(num_samples, chunk) * rounded_up(chunk, at_once));
  const double shared = at_once >= chunk ? shared_plans(subject, plans) : 0;
  const double num_plans = static_cast<double>(plans.size() + again) - shared;
  const auto samples = static_cast<double>(num_samples);
  const double kept = part_kept(subject, room);
  double seconds = samples * high.run + parts * (1 - kept) * high.once + kept * sum(paces).once;
  seconds += num_plans * (samples * plan.run + parts * (1 - kept) * plan.once);
  if (!keeps_scores(subject, room))
    seconds += num_plans * samples * head_pace(subject, high_format).run;
  return seconds;
}

double answer_seconds(const Subject& subject, const std::vector<graph::Assignment>& plans) {
  if (subject.tasks.empty()) return 0;
  const auto paces = in_all_formats(subject, answer_pace);
  const double num_plans = static_cast<double>(plans.size()) - shared_plans(subject, plans);
  const auto chunks = static_cast<double>(num_answer_units(subject));
  const double anew = (1 - part_kept(subject, answer_room(subject))) * chunks;
  const auto &high = paces.front(), plan = mean(paces);
  return high.run + anew * high.once + num_plans * (plan.run + anew * plan.once);
}

double contest_seconds(const Subject& subject, const std::string& table) {
  const auto target = std::find_if(subject.timing_targets.begin(), subject.timing_targets.end(),
                                   [&](const auto& known) { return known.table == table; });
  const auto paces = timed_paces(subject);
  const auto &high = paces.front(), middle = mean(paces);
  const auto others = static_cast<double>(target->configurations.size() - 1);
  const double part = part_of_macs(subject.layout.partition, target->lowered.front());
  const double packed = part * (sum(paces).once - high.once);
  Programs programs;
  if (subject.spec.latency.scope == latency::Scope::subgraph) {
    const auto op = subject.layout.partition.subgraphs[target->lowered.front().index].ops.front();
    const auto segments = timed_segments(subject, op);
    const double lowered = others * segments.holder * middle.run / high.run;
    programs = {packed, segments.holder, lowered + segments.kinds,
                others + static_cast<double>(segments.num_kinds), segments.interlude};
  } else {
    const double lowered = part * static_cast<double>(target->lowered.size());
    programs = {packed * static_cast<double>(target->lowered.size()), high.run,
                others * (high.run + lowered * (middle.run - high.run)), others};
  }
  return seconds_of(programs, subject.spec.latency.rule);
}

double plan_contest_seconds(const Subject& subject) {
  const auto paces = timed_paces(subject);
  const double high = paces.front().run, plan = mean(paces).run;
  return seconds_of({mean(paces).once, high, plan}, subject.spec.latency.rule);
}

}  // namespace gainsweep::pipeline

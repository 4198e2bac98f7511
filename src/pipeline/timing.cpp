#include "pipeline/timing.hpp"

#include <algorithm>

#include "pipeline/contest.hpp"
#include "pipeline/duration.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/observe.hpp"

namespace gainsweep::pipeline {
namespace {

std::vector<std::string> lowered_names(const Subject& subject, const TimingTarget& target) {
  std::vector<std::string> names;
  for (const auto member : target.lowered)
    names.push_back(subject.layout.partition.subgraphs[member.index].name);
  return names;
}

ContestTicket contest_of(const Bench& bench, std::size_t index,
                         const std::shared_ptr<const lower::Maxima>& maxima) {
  const auto& subject = *bench->subject;
  const auto& target = subject.timing_targets[index];
  ContestTicket contest;
  contest.first.table = target.table;
  contest.first.label = "times of " + target.label;
  contest.first.nature = archive::Nature::measured;
  contest.first.placement = batch::Placement::alone;
  contest.key = [bench, &target, names = lowered_names(subject, target)](key::Round round) {
    return key::timing(bench->computing, bench->workload, bench->formats, names,
                       target.configurations, round);
  };
  contest.work = [bench, index, maxima](std::int64_t round) -> batch::Product {
    prepare(*bench, bench->subject->timing_targets[index], *maxima);
    return run_round(*bench, round);
  };
  return contest;
}

std::vector<ContestTicket> contests_of(const Bench& bench,
                                       const std::shared_ptr<const lower::Maxima>& maxima) {
  std::vector<ContestTicket> contests;
  for (std::size_t t = 0; t < bench->subject->timing_targets.size(); ++t)
    contests.push_back(contest_of(bench, t, maxima));
  return contests;
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  batch::Call call;
  const auto& untimed = bench->subject->untimed;
  if (!untimed.empty())
    call.obstacles.push_back("times and the objective time are left out: " + untimed + ".");
  if (!measures_time(bench->subject->spec)) return call;
  const auto observed = observed_state(*bench, results);
  call.obstacles = observed.obstacles;
  call.is_forecast = observed.value == nullptr;
  const auto maxima = std::make_shared<const lower::Maxima>(observed.value ? observed.value->maxima
                                                                           : lower::Maxima{});
  for (auto& found : rounds(*bench, results, contests_of(bench, maxima))) {
    call.may_come += found.may_come;
    std::move(found.units.begin(), found.units.end(), std::back_inserter(call.units));
  }
  return call;
}

}  // namespace

batch::Stage timing(Bench bench) {
  batch::Stage stage{"timing", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  // First rounds, which stand for those that come after them.
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t) {
    double seconds = 0;
    for (const auto& unit : units) seconds += contest_seconds(*bench->subject, unit.table);
    return seconds;
  };
  stage.memory = [bench] {
    const auto& subject = *bench->subject;
    if (!measures_time(subject.spec)) return batch::Memory{};
    const bool is_whole = subject.spec.latency.scope == latency::Scope::model;
    return batch::Memory{timing_bytes(subject), checkpoint_bytes(subject),
                         is_whole ? "take latency.scope: subgraph, or leave the objective time out"
                                  : "shorten latency.length, or leave the objective time out"};
  };
  stage.leave = [bench] {
    bench->timed.end();
    // Else the weights stay: plans are timed with them.
    if (!times_plans(*bench->subject)) bench->timing.release();
  };
  return stage;
}

TimingState timing_state(const Bench& bench, const batch::Results& results) {
  TimingState state{true, {}};
  if (!measures_time(bench->subject->spec)) return state;
  for (auto& found : rounds(*bench, results, contests_of(bench, nullptr))) {
    for (const auto& unit : found.units) state.is_over = state.is_over && results.is_over(unit.key);
    state.rounds.push_back(std::move(found.timings));
  }
  return state;
}

}  // namespace gainsweep::pipeline

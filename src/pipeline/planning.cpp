#include "pipeline/planning.hpp"

#include "digest/digest.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/score.hpp"
#include "pipeline/timing.hpp"

namespace gainsweep::pipeline {
namespace {

constexpr double seconds_a_plan = 0.02;

Measured collect(const Bench& bench, const batch::Results& results, const ScoreState& scores) {
  const auto& layout = bench->subject->layout;
  Measured measured;
  for (const auto& key : scores.keys)
    measured.scores.push_back(
        to_score(*results.find(key), layout.partition.ops, layout.formats.size() - 1));
  if (wants_time(bench->subject->spec))
    measured.times =
        assign_times(layout, bench->subject->timing_targets, timing_state(bench, results).rounds);
  return measured;
}

// Stands for a decision while what it follows from is missing.
std::string forecast(const Bench& bench, const batch::Results& results) {
  digest::Builder builder;
  for (const auto& unit : score(bench).call(results).units) builder.add("score", unit.key);
  for (const auto& unit : timing(bench).call(results).units) builder.add("timing", unit.key);
  builder.add("noise", spelling(bench->subject->spec.solve.noise));
  return builder.finish();
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  const auto& subject = *bench->subject;
  const auto state = decision_state(bench, results);
  batch::Call call;
  call.obstacles = state.obstacles;
  call.is_forecast = state.value == nullptr;
  const auto all = questions(subject.spec.solve);
  const auto stands_for = state.value ? "" : forecast(bench, results);
  for (std::size_t i = 0; i < all.size(); ++i) {
    batch::Unit unit;
    static_cast<batch::Ticket&>(unit) = ticket(subject.spec, all[i], i);
    unit.key = key::plan(state.value ? state.value->digests[all[i].objective] : stands_for,
                         key_facts(subject.spec, all[i]));
    unit.work = [about = bench->subject, decision = state.value,
                 question = all[i]](batch::Context&) -> batch::Product {
      return answer(about->layout, about->spec, question, *decision);
    };
    call.units.push_back(std::move(unit));
  }
  return call;
}

}  // namespace

batch::Stage planning(Bench bench) {
  batch::Stage stage{"planning", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  stage.cost = [](std::span<const batch::Unit> units, std::size_t) {
    return batch::Cost{seconds_a_plan * static_cast<double>(units.size())};
  };
  return stage;
}

DecisionState decision_state(const Bench& bench, const batch::Results& results) {
  DecisionState state;
  state.obstacles = observed_state(*bench, results).obstacles;
  const auto scores = score_state(*bench, results);
  if (!state.obstacles.empty() || !scores.is_over) return state;
  if (scores.keys.empty()) {
    state.obstacles.push_back(
        "everything is left out: no calibration sample was scored, so there is nothing to plan "
        "with.");
    return state;
  }
  if (!timing_state(bench, results).is_over) return state;
  state.value = bench->decision.get(results, [&] {
    const auto& subject = *bench->subject;
    return std::make_shared<const Decision>(
        decide(subject.layout, subject.spec, collect(bench, results, scores)));
  });
  return state;
}

}  // namespace gainsweep::pipeline

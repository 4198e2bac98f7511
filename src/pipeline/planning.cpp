#include "pipeline/planning.hpp"

#include <algorithm>
#include <set>

#include "digest/digest.hpp"
#include "pipeline/anchor.hpp"
#include "pipeline/answers.hpp"
#include "pipeline/duration.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/evaluation.hpp"
#include "pipeline/inquiry.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/room.hpp"
#include "pipeline/score.hpp"
#include "pipeline/stability.hpp"
#include "pipeline/stand_ins.hpp"
#include "pipeline/timing.hpp"

namespace gainsweep::pipeline {
namespace {

constexpr double seconds_a_plan = 0.02;
constexpr double seconds_a_choice = 2e-7;  // of a plan on a resample

// Stands for a decision while what it follows from is missing.
std::string stand_in(const Bench& bench, const batch::Results& results) {
  digest::Builder builder;
  for (const auto& unit : score(bench).call(results).units) builder.add("score", unit.key);
  for (const auto& unit : anchor(bench).call(results).units) builder.add("anchor", unit.key);
  for (const auto& unit : timing(bench).call(results).units) builder.add("timing", unit.key);
  builder.add("noise", bench->subject->spec.solve.noise);
  return builder.finish();
}

bool evaluates(const Workbench& bench) {
  const auto& subject = *bench.subject;
  return !bench.evaluation.chunks.empty() &&
         !(subject.spec.evaluate.strategies.empty() && subject.given_plans.empty());
}

// That are evaluated beside all-high.
std::size_t most_evaluated(const Subject& subject) {
  return most_plans(subject.spec) + distinct(subject.given_plans).size();
}

// Losses and answers of one plan.
std::size_t units_of_a_plan(const Workbench& bench) {
  return bench.evaluation.chunks.size() + num_answer_units(*bench.subject);
}

// With its times.
std::size_t most_units_of_a_plan(const Workbench& bench) {
  const auto& subject = *bench.subject;
  const auto rounds = static_cast<std::size_t>(most_rounds(subject.spec.latency.rule));
  return units_of_a_plan(bench) + (times_plans(subject) ? rounds : 0);
}

// Plans that are evaluated at the next scales too, at most.
std::size_t most_floor_plans(const Subject& subject) {
  if (!has_static_scales(subject.layout.formats)) return 0;
  return std::min(most_floors, most_evaluated(subject));
}

// What evaluations come to at most.
std::size_t most_evaluations(const Workbench& bench) {
  if (!evaluates(bench)) return 0;
  return units_of_a_plan(bench) +
         most_floor_plans(*bench.subject) * bench.evaluation.chunks.size() +
         most_evaluated(*bench.subject) * most_units_of_a_plan(bench);
}

// Questions whose plans are to be evaluated once they are known.
std::size_t num_open(const spec::Spec& spec, const Inquiry& inquiry) {
  const auto all = questions(spec.solve);
  std::size_t open = 0;
  for (std::size_t i = 0; i < all.size(); ++i)
    open += is_evaluated(spec, all[i]) && inquiry.is_open(i) ? 1 : 0;
  return open;
}

// What strategies ask for at most beside the programs that are plans of the spec.
std::size_t most_searched(const Workbench& bench) {
  const auto& subject = *bench.subject;
  solve::Numbers numbers;
  numbers.ops = formats_of(lowerables(subject.layout));
  numbers.verify = static_cast<std::size_t>(subject.spec.solve.search_verify);
  std::size_t most = 0;
  for (const auto& question : questions(subject.spec.solve)) {
    if (question.is_frontier() || question.how == solve::exact_strategy) continue;
    most += most_units(solve::strategies().at(question.how).most_asked(numbers), bench.search);
  }
  return most;
}

batch::Call forecast(const Bench& bench, const batch::Results& results,
                     std::vector<std::string> obstacles) {
  const auto& spec = bench->subject->spec;
  const auto decision = stand_in(bench, results);
  batch::Call call{
      {}, most_evaluations(*bench) + most_searched(*bench), std::move(obstacles), true};
  const auto all = questions(spec.solve);
  for (std::size_t i = 0; i < all.size(); ++i) {
    batch::Unit unit;
    static_cast<batch::Ticket&>(unit) = ticket(spec, all[i], i);
    unit.key = key::plan(decision, key_facts(spec, all[i]));
    call.units.push_back(std::move(unit));
  }
  const auto samples = digest::of_text(decision + std::to_string(spec.solve.seed));
  for (const auto& block : resample_blocks(spec.solve)) {
    batch::Unit unit;
    static_cast<batch::Ticket&>(unit) = ticket(spec, block, decision, samples);
    call.units.push_back(std::move(unit));
  }
  return call;
}

// The places of questions of a nature, in their order.
std::vector<std::size_t> places(const spec::Spec& spec, const std::vector<Question>& all,
                                archive::Nature nature) {
  std::vector<std::size_t> places;
  const auto every = aims(spec.solve);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (nature_of(spec, every[all[i].aim].objective) == nature) places.push_back(i);
  return places;
}

constexpr auto natures = {archive::Nature::deterministic, archive::Nature::measured};

// Equal assignments once: the all-high one, given ones, those of objectives that need no timing,
// then those that only measured times led to.
std::vector<Evaluated> chosen(const Subject& subject, const Inquiry& inquiry) {
  const auto all = questions(subject.spec.solve);
  std::vector<Evaluated> chosen{{graph::Assignment(subject.layout.partition.ops.size())}};
  for (auto& given : distinct(subject.given_plans)) chosen.push_back({std::move(given)});
  std::set<graph::Assignment> seen;
  for (const auto& plan : chosen) seen.insert(plan.assignment);
  for (const auto nature : natures)
    for (const auto place : places(subject.spec, all, nature)) {
      if (!is_evaluated(subject.spec, all[place])) continue;
      const auto plans = inquiry.answer(place);
      if (plans && seen.insert(plans->assignments.front()).second)
        chosen.push_back({plans->assignments.front(), nature});
    }
  return chosen;
}

// Contests of the plans whose formats the device really runs.
struct TimedPlans {
  std::vector<ContestTicket> contests;
  std::vector<std::string> keys;  // of the assignments
};

TimedPlans timed_plans(const Bench& bench, const batch::Results& results,
                       const std::vector<Evaluated>& plans) {
  TimedPlans timed;
  const auto& layout = bench->subject->layout;
  if (!times_plans(*bench->subject)) return timed;
  for (std::size_t i = 1; i < plans.size(); ++i) {
    if (!is_real(layout, plans[i].assignment)) continue;
    timed.contests.push_back(time_contest(bench, results, plans[i], i));
    timed.keys.push_back(assignment_key(plans[i].assignment, layout.formats));
  }
  return timed;
}

void evaluate(const Bench& bench, const batch::Results& results, const Decision& decision,
              const std::vector<Evaluated>& plans, Inquiry& inquiry) {
  const auto& subject = *bench->subject;
  const auto open = num_open(subject.spec, inquiry);
  inquiry.expect(open * most_units_of_a_plan(*bench));
  for (std::size_t i = 0; i < plans.size(); ++i)
    for (auto& unit : loss_units(bench, results, bench->evaluation, plans[i], i))
      inquiry.need(std::move(unit));
  for (std::size_t i = 0; i < plans.size(); ++i)
    for (const auto& task : subject.tasks)
      for (auto& unit : answer_units(bench, results, task, plans[i], i))
        inquiry.need(std::move(unit));
  // Which plans they are is known when all plans are.
  if (open > 0)
    inquiry.expect(most_floor_plans(subject) * bench->evaluation.chunks.size());
  else
    for (const auto place : floor_places(subject.layout, decision.errors, plans))
      for (auto& unit :
           loss_units(bench, results, bench->evaluation, plans[place], place, Scales::next))
        inquiry.need(std::move(unit));
  const auto timed = timed_plans(bench, results, plans);
  for (auto& found : rounds(*bench, results, timed.contests, open > 0)) {
    inquiry.expect(found.may_come);
    for (auto& unit : found.units) inquiry.need(std::move(unit));
  }
}

// Deterministic objectives ask first: a row is deterministic where any of them leads to it.
Inquiry asked(const Bench& bench, const batch::Results& results,
              const std::shared_ptr<const Decision>& decision) {
  Inquiry inquiry(bench, results, decision);
  const auto& spec = bench->subject->spec;
  const auto all = questions(spec.solve);
  for (const auto nature : natures)
    for (const auto place : places(spec, all, nature)) inquiry.ask(all[place], place);
  return inquiry;
}

const std::vector<Evaluated>& plans_of(const Bench& bench, const batch::Results& results,
                                       const Inquiry& inquiry) {
  return bench->evaluated.get(results, [&] { return chosen(*bench->subject, inquiry); });
}

void resample(const Bench& bench, const std::shared_ptr<const Decision>& decision,
              Inquiry& inquiry) {
  const auto& spec = bench->subject->spec;
  for (const auto& block : resample_blocks(spec.solve)) {
    batch::Unit unit;
    static_cast<batch::Ticket&>(unit) =
        ticket(spec, block, decision->digests[block.objective], decision->resampling->digest());
    unit.work = [about = bench->subject, decision, block](batch::Context&) -> batch::Product {
      return solve_block(about->layout, about->spec, block, *decision);
    };
    inquiry.need(std::move(unit));
  }
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  const auto state = decision_state(bench, results);
  if (!state.value) return forecast(bench, results, state.obstacles);
  auto inquiry = asked(bench, results, state.value);
  resample(bench, state.value, inquiry);
  if (evaluates(*bench))
    evaluate(bench, results, *state.value, plans_of(bench, results, inquiry), inquiry);
  return std::move(inquiry).finish();
}

double cost(const Bench& bench, std::span<const batch::Unit> units, std::size_t may_come) {
  const auto& subject = *bench->subject;
  if (units.empty() && may_come == 0) return 0;
  auto asked = questions(subject.spec.solve);
  double seconds = seconds_a_plan * static_cast<double>(asked.size());
  std::erase_if(asked, [&](const auto& one) { return !is_evaluated(subject.spec, one); });
  auto plans = stand_ins(subject.layout, subject.spec, asked);
  for (auto& given : distinct(subject.given_plans)) plans.push_back(std::move(given));
  if (evaluates(*bench))
    seconds += evaluation_seconds(subject, plans, most_floor_plans(subject)) +
               answer_seconds(subject, plans);
  seconds += seconds_a_choice * num_choices(subject.layout, subject.spec.solve) *
             static_cast<double>(resample_blocks(subject.spec.solve).size());
  if (evaluates(*bench) && !plans.empty() && times_plans(subject))
    seconds += static_cast<double>(plans.size()) * plan_contest_seconds(subject);
  return seconds;
}

}  // namespace

batch::Stage planning(Bench bench) {
  batch::Stage stage{"planning", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t may_come) {
    return cost(bench, units, may_come);
  };
  stage.memory = [bench] {
    const auto& subject = *bench->subject;
    if (most_evaluations(*bench) + most_searched(*bench) == 0) return batch::Memory{};
    return batch::Memory{
        evaluation_bytes(subject), checkpoint_bytes(subject),
        times_plans(subject)
            ? "write evaluate.time: false, or evaluate.strategies: [] and evaluate.plans: []"
            : "write evaluate.strategies: [] and evaluate.plans: []"};
  };
  stage.leave = [bench] {
    bench->timed.end();
    bench->relay.release();
    bench->evaluating.release();
    bench->timing.release();
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
  if (!anchor_state(*bench, results).is_over || !timing_state(bench, results).is_over) return state;
  state.value = bench->decision.get(results, [&] {
    const auto& subject = *bench->subject;
    return std::make_shared<const Decision>(
        decide(subject.layout, subject.spec, measured(bench, results)));
  });
  return state;
}

Measured measured(const Bench& bench, const batch::Results& results) {
  const auto& layout = bench->subject->layout;
  Measured measured;
  for (const auto& key : score_state(*bench, results).keys)
    measured.scores.push_back(
        to_score(*results.find(key), layout.partition.ops, layout.formats.size() - 1));
  for (const auto& key : anchor_state(*bench, results).keys)
    measured.anchors.push_back(to_anchors(*results.find(key), layout.formats.size() - 1));
  if (const auto& given = bench->subject->given_times)
    measured.times = given->times;
  else if (wants_time(bench->subject->spec))
    measured.times = assign_times(layout, bench->subject->spec, bench->subject->timing_targets,
                                  timing_state(bench, results).rounds);
  return measured;
}

std::vector<TimedContest> all_contests(const Bench& bench, const batch::Results& results) {
  const auto& subject = *bench->subject;
  if (!measures_time(subject.spec)) return {};
  auto all = timed_contests(subject.timing_targets, timing_state(bench, results).rounds);
  const auto state = decision_state(bench, results);
  if (!state.value || !evaluates(*bench)) return all;
  const auto timed =
      timed_plans(bench, results, plans_of(bench, results, asked(bench, results, state.value)));
  auto found = rounds(*bench, results, timed.contests);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!found[i].timings.empty())
      all.push_back({plan_times_table, timed.keys[i], "plan " + shown(timed.keys[i]),
                     latency::concatenate(found[i].timings)});
  return all;
}

std::vector<graph::Assignment> told_plans(const Bench& bench, const batch::Results& results) {
  const auto state = decision_state(bench, results);
  if (!state.value) return {};
  const auto inquiry = asked(bench, results, state.value);
  const auto& spec = bench->subject->spec;
  const auto all = questions(spec.solve);
  std::vector<graph::Assignment> assignments;
  for (std::size_t place = 0; place < all.size(); ++place)
    if (const auto plans = inquiry.answer(place))
      for (auto& assignment : told(spec, all[place], *plans))
        assignments.push_back(std::move(assignment));
  return assignments;
}

std::vector<Evaluated> evaluated_plans(const Bench& bench, const batch::Results& results) {
  const auto state = decision_state(bench, results);
  if (!state.value || !evaluates(*bench)) return {};
  const auto& chosen = plans_of(bench, results, asked(bench, results, state.value));
  std::vector<Evaluated> evaluated;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto units = loss_units(bench, results, bench->evaluation, chosen[i], i);
    if (std::any_of(units.begin(), units.end(),
                    [&](const auto& unit) { return results.find(unit.key) != nullptr; }))
      evaluated.push_back(chosen[i]);
  }
  return evaluated;
}

}  // namespace gainsweep::pipeline

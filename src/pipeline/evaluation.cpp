#include "pipeline/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/planning.hpp"
#include "pipeline/plans.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

// Places of an evaluation's rounds among the units of its table.
constexpr int bits_of_round = 32;

bool is_real(const Layout& layout, const graph::Assignment& assignment) {
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    const auto& real = layout.real_formats[i];
    if (std::find(real.begin(), real.end(), assignment[i]) == real.end()) return false;
  }
  return true;
}

// Every n-th threshold counted from the largest, the named strategies, of `random` its first draw.
bool is_evaluated(const spec::Spec& spec, const Question& question) {
  const auto& strategies = spec.evaluate.strategies;
  const auto from_largest = spec.solve.thresholds.size() - 1 - question.threshold;
  return !question.is_frontier &&
         from_largest % static_cast<std::size_t>(spec.evaluate.every) == 0 &&
         std::find(strategies.begin(), strategies.end(), question.strategy) != strategies.end();
}

// Equal assignments once: the all-high one, those of objectives that need no timing, then those
// that only measured times led to.
std::vector<Evaluated> collect(const Subject& subject, const std::vector<batch::Unit>& plans,
                               const batch::Results& results) {
  const auto all = questions(subject.spec.solve);
  std::vector<Evaluated> chosen{{graph::Assignment(subject.layout.partition.ops.size())}};
  std::set<graph::Assignment> seen{chosen.front().assignment};
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured})
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto* record = results.find(plans[i].key);
      if (plans[i].nature != nature || !is_evaluated(subject.spec, all[i]) || record == nullptr)
        continue;
      const auto assignment = to_plans(*record).assignments.front();
      if (seen.insert(assignment).second) chosen.push_back({assignment, nature});
    }
  return chosen;
}

batch::Product evaluate(Workbench& bench, const graph::Assignment& assignment,
                        const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  const auto& layout = subject.layout;
  std::vector<double> measured;
  {
    execute::Program program(lower::fake_quantize(*subject.graph, layout.partition.ops, assignment,
                                                  layout.formats, maxima),
                             bench.evaluating.get());
    measured = losses(program, subject.evaluation->batches, subject.spec.device);
  }
  bench.evaluating.release_unused();
  std::vector<std::int64_t> formats;
  for (const auto format : assignment) formats.push_back(static_cast<std::int64_t>(format.index));
  return {
      {texts("assignment_key", {assignment_key(assignment, layout.formats)}, {},
             "Digest that joins plans and evaluations"),
       integers("assignment", formats, {{"op", formats.size()}}, "1", "Index of each op's format"),
       reals("loss", measured, {{"sample", measured.size()}}, "nat",
             "Mean cross entropy of each evaluation sample")}};
}

batch::Product times(Workbench& bench, const graph::Assignment& assignment,
                     const lower::Maxima& maxima, std::int64_t round) {
  const auto key = assignment_key(assignment, bench.subject->layout.formats);
  prepare(bench, assignment, key, maxima);
  auto fields = run_round(bench, round);
  fields.push_back(texts("assignment_key", {key}, {}, "Digest that joins plans and evaluations"));
  return fields;
}

using SharedMaxima = std::shared_ptr<const lower::Maxima>;

// What all loss units of a point share.
struct LossFacts {
  std::string maxima, samples;  // digests
};

batch::Unit loss_unit(const Bench& bench, const LossFacts& facts, const SharedMaxima& maxima,
                      const Evaluated& plan, std::size_t index) {
  batch::Unit unit;
  unit.table = "evaluations/losses";
  unit.nature = plan.nature;
  unit.label = "losses of plan " + std::to_string(index);
  unit.order = index;
  unit.key = key::losses(bench->computing, bench->formats, facts.maxima, facts.samples,
                         assignment_key(plan.assignment, bench->subject->layout.formats));
  unit.work = [bench, maxima, assignment = plan.assignment](batch::Context&) {
    return evaluate(*bench, assignment, *maxima);
  };
  return unit;
}

ContestTicket contest_of(const Bench& bench, const SharedMaxima& maxima, const Evaluated& plan,
                         std::size_t index) {
  ContestTicket contest;
  contest.first.table = "evaluations/times";
  contest.first.label = "times of plan " + std::to_string(index);
  contest.first.nature = archive::Nature::measured;
  contest.first.order = static_cast<std::uint64_t>(index) << bits_of_round;
  contest.first.placement = batch::Placement::alone;
  const auto key = assignment_key(plan.assignment, bench->subject->layout.formats);
  contest.key = [&bench, key](key::Round round) {
    return key::plan_times(bench->computing, bench->workload, bench->formats, bench->partition, key,
                           round);
  };
  contest.work = [bench, maxima, assignment = plan.assignment](std::int64_t round) {
    return times(*bench, assignment, *maxima, round);
  };
  return contest;
}

bool times_plans(const Subject& subject) {
  return subject.spec.evaluate.time && wants_time(subject.spec);
}

// At most so many plans are evaluated beside all-high.
std::size_t most_plans(const spec::Spec& spec) {
  const auto all = questions(spec.solve);
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const auto& question) { return is_evaluated(spec, question); }));
}

batch::Call forecast(const Subject& subject, std::vector<std::string> obstacles) {
  const auto plans = most_plans(subject.spec);
  const auto rounds = static_cast<std::size_t>(most_rounds(subject.spec.latency.rule));
  return {{}, 1 + plans + (times_plans(subject) ? plans * rounds : 0), std::move(obstacles), true};
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  const auto& subject = *bench->subject;
  if (subject.evaluation->batches.empty()) return {};
  const auto plans = planning(bench).call(results);
  const bool planned = std::all_of(plans.units.begin(), plans.units.end(),
                                   [&](const auto& unit) { return results.is_over(unit.key); });
  if (plans.is_forecast || !planned) return forecast(subject, plans.obstacles);
  const auto& chosen =
      bench->evaluated.get(results, [&] { return collect(subject, plans.units, results); });
  const auto observed = observed_state(*bench, results);
  const auto maxima = std::make_shared<const lower::Maxima>(observed.value->maxima);
  const LossFacts facts{observed.digest, key::of_sample_set(subject.evaluation->ids)};
  batch::Call call;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    call.units.push_back(loss_unit(bench, facts, maxima, chosen[i], i));
  if (!times_plans(subject)) return call;
  for (std::size_t i = 1; i < chosen.size(); ++i) {
    if (!is_real(subject.layout, chosen[i].assignment)) continue;
    auto found = rounds(*bench, results, contest_of(bench, maxima, chosen[i], i));
    call.may_come += found.may_come;
    std::move(found.units.begin(), found.units.end(), std::back_inserter(call.units));
  }
  return call;
}

}  // namespace

batch::Stage evaluation(Bench bench) {
  batch::Stage stage{"evaluation", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t may_come) {
    const auto& subject = *bench->subject;
    batch::Cost cost{0, evaluation_bytes(subject), checkpoint_bytes(subject)};
    if (units.empty() && may_come == 0) return cost;
    const auto plans = static_cast<double>(1 + most_plans(subject.spec));
    const auto samples = static_cast<double>(subject.evaluation->batches.size());
    const auto blocks = static_cast<double>(subject.spec.latency.rule.repetitions);
    cost.seconds = plans * samples * forward_seconds(subject);
    if (times_plans(subject)) cost.seconds += plans * 2 * blocks * timed_forward_seconds(subject);
    return cost;
  };
  stage.leave = [bench] {
    bench->timed.end();
    bench->evaluating.release();
    bench->timing.release();
  };
  return stage;
}

std::vector<double> losses(execute::Program& program, const std::vector<execute::Batch>& samples,
                           execute::Device device) {
  std::vector<double> losses;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto inputs = execute::make_inputs(program.graph(), samples[i], device);
    losses.push_back(program.run(inputs).front());
    if (!std::isfinite(losses.back()))
      throw Error(ErrorKind::input, "the loss of evaluation sample " + std::to_string(i) + " is " +
                                        shortest(losses.back()) +
                                        " (the plan's formats overflow, or the model does). "
                                        "Look at its ops' formats or at the sample's tokens.");
  }
  return losses;
}

}  // namespace gainsweep::pipeline

#include "pipeline/enumerate.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "latency/measure.hpp"
#include "pipeline/record.hpp"
#include "scale/observe.hpp"

namespace gainsweep::pipeline {
namespace {

// A change of what a stage computes for the same inputs takes the next number.
constexpr std::int64_t observe_version = 1, score_version = 1, latency_version = 1,
                       loss_version = 1, time_version = 1;

// What every computed number depends on: model, LibTorch, kind of processor and threads.
digest::Builder base(const Experiment& experiment, Stage stage, std::int64_t version) {
  const auto& environment = experiment.environment;
  if (experiment.model_digest.empty())
    throw Error(ErrorKind::internal, "units were asked for before the model's digest was set");
  return digest::Builder()
      .add("stage", name(stage))
      .add("version", version)
      .add("model", experiment.model_digest)
      .add("torch", environment.torch_version)
      .add("instruction_set", environment.instruction_set)
      .add("device", spelling(experiment.spec.device))
      .add("threads", environment.threads);
}

void add_tokens(digest::Builder& builder, const execute::Batch& sample) {
  const auto bytes = std::as_bytes(std::span(sample.tokens));
  builder.add("tokens", digest::of_bytes(bytes)).add("last", sample.labels.back());
}

void add_formats(digest::Builder& builder, const spec::Spec& spec) {
  for (const auto& format : spec.formats.formats)
    builder.add("format", format.name)
        .add("scale", static_cast<std::int64_t>(format.activation_scale))
        .add("granularity", static_cast<std::int64_t>(format.weight_granularity))
        .add("activation_backoff", format.activation_backoff)
        .add("weight_backoff", format.weight_backoff);
}

void add_maxima(digest::Builder& builder, const lower::Maxima& maxima) {
  for (const auto& row : maxima)
    for (const float value : row) builder.add("maximum", static_cast<double>(value));
}

std::vector<Unit> observe_units(const Experiment& experiment) {
  std::vector<Unit> units;
  if (!needs_maxima(experiment.spec)) return units;
  const auto count =
      std::min<std::size_t>(experiment.calibration.size(),
                            static_cast<std::size_t>(experiment.spec.calibration.scale_samples));
  for (std::size_t i = 0; i < count; ++i) {
    auto builder = base(experiment, Stage::observe, observe_version);
    builder.add("precision", spelling(experiment.spec.sensitivity.precision));
    add_tokens(builder, experiment.calibration[i]);
    Unit unit{Stage::observe, "maxima"};
    unit.key = builder.finish();
    unit.label = "largest magnitudes of sample " + std::to_string(i);
    unit.order = unit.index = i;
    units.push_back(std::move(unit));
  }
  return units;
}

// What a sample's scores depend on besides the scales.
digest::Builder score_key(const Experiment& experiment, const execute::Batch& sample) {
  auto builder = base(experiment, Stage::score, score_version);
  builder.add("precision", spelling(experiment.spec.sensitivity.precision));
  add_tokens(builder, sample);
  add_formats(builder, experiment.spec);
  return builder;
}

std::vector<Unit> score_units(const Experiment& experiment, const Results& results) {
  const auto maxima = collect_maxima(experiment, results);
  std::vector<Unit> units;
  for (std::size_t i = 0; i < experiment.calibration.size(); ++i) {
    auto builder = score_key(experiment, experiment.calibration[i]);
    add_maxima(builder, maxima);
    Unit unit{Stage::score, "scores"};
    unit.key = builder.finish();
    unit.label = "score of sample " + std::to_string(i);
    unit.order = unit.index = i;
    units.push_back(std::move(unit));
  }
  return units;
}

void add_workload(digest::Builder& builder, const Experiment& experiment) {
  const auto& latency = experiment.spec.latency;
  builder.add("machine", experiment.environment.device_name)
      .add("scope", spelling(latency.scope))
      .add("batch", latency.batch)
      .add("length", latency.length)
      .add("warmup", latency.rule.warmup)
      .add("blocks", latency.rule.least_repetitions)
      .add("seed", experiment.spec.seed);
}

// Rounds of one contest: those stored, and one more while the stopping rule is not met.
void add_rounds(const Experiment& experiment, const Results& results, const Unit& first,
                const digest::Builder& key, std::vector<Unit>& units) {
  std::vector<latency::Timings> rounds;
  for (std::size_t round = 0;; ++round) {
    Unit unit = first;
    unit.round = round;
    unit.order = first.order + round;
    unit.label += ", round " + std::to_string(round);
    unit.key = digest::Builder(key).add("round", static_cast<std::int64_t>(round)).finish();
    units.push_back(unit);
    if (!succeeded(results, unit)) return;
    rounds.push_back(to_timings(results.at(unit.key)));
    if (latency::finished(latency::concatenate(rounds), experiment.spec.latency.rule)) return;
  }
}

bool wants_time(const spec::Spec& spec) {
  const auto& objectives = spec.solve.objectives;
  return std::find(objectives.begin(), objectives.end(), gain::Objective::time) != objectives.end();
}

std::vector<Unit> latency_units(const Experiment& experiment, const Results& results,
                                std::size_t target_index) {
  const auto& target = experiment.timing_targets[target_index];
  auto builder = base(experiment, Stage::latency, latency_version);
  add_workload(builder, experiment);
  add_formats(builder, experiment.spec);
  for (const auto member : target.lowered)
    builder.add("lowered", experiment.layout.partition.subgraphs[member.index].name);
  for (const auto& configuration : target.configurations)
    for (const auto format : configuration)
      builder.add("configuration", static_cast<std::int64_t>(format.index));
  Unit first{Stage::latency, target.table, archive::Nature::measured};
  first.label = "times of " + target.label;
  first.index = target_index;
  first.exclusive = true;
  std::vector<Unit> units;
  add_rounds(experiment, results, first, builder, units);
  return units;
}

std::vector<Unit> latency_units(const Experiment& experiment, const Results& results) {
  std::vector<Unit> units;
  if (!wants_time(experiment.spec)) return units;
  for (std::size_t t = 0; t < experiment.timing_targets.size(); ++t)
    for (auto& unit : latency_units(experiment, results, t)) units.push_back(std::move(unit));
  return units;
}

bool is_real(const Layout& layout, const graph::Assignment& assignment) {
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    const auto& real = layout.real_formats[i];
    if (std::find(real.begin(), real.end(), assignment[i]) == real.end()) return false;
  }
  return true;
}

// Every n-th threshold counted from the largest, the named strategies, of `random` its first draw.
bool is_evaluated(const spec::Spec& spec, const PlanPoint& point) {
  const auto& strategies = spec.evaluate.strategies;
  const auto from_largest = spec.solve.thresholds.size() - 1 - point.threshold;
  return !point.is_frontier && from_largest % static_cast<std::size_t>(spec.evaluate.every) == 0 &&
         std::find(strategies.begin(), strategies.end(), point.strategy) != strategies.end();
}

// Assignments to evaluate, equal ones once: the all-high one, those of objectives that need no
// timing, then those that only measured times led to.
struct Evaluated {
  graph::Assignment assignment;
  archive::Nature nature = archive::Nature::deterministic;
};

std::vector<Evaluated> evaluated(const Experiment& experiment, const Results& results) {
  const auto& spec = experiment.spec;
  const auto points = plan_points(spec.solve);
  const auto units = enumerate(experiment, results, Stage::solve);
  std::vector<Evaluated> all{{graph::Assignment(experiment.layout.partition.ops.size())}};
  std::set<graph::Assignment> seen{all.front().assignment};
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured})
    for (const auto& unit : units) {
      if (unit.nature != nature || !is_evaluated(spec, points[unit.index]) ||
          !succeeded(results, unit))
        continue;
      const auto plans = to_plans(results.at(unit.key));
      if (seen.insert(plans.assignments.front()).second)
        all.push_back({plans.assignments.front(), nature});
    }
  return all;
}

Unit loss_unit(const Experiment& experiment, const lower::Maxima& maxima, const Evaluated& plan,
               std::size_t index) {
  auto builder = base(experiment, Stage::evaluate, loss_version);
  add_formats(builder, experiment.spec);
  add_maxima(builder, maxima);
  for (const auto& sample : experiment.evaluation) add_tokens(builder, sample);
  builder.add("assignment", assignment_key(plan.assignment, experiment.layout.formats));
  Unit unit{Stage::evaluate, "evaluations/losses", plan.nature};
  unit.key = builder.finish();
  unit.label = "losses of plan " + std::to_string(index);
  unit.order = unit.index = index;
  unit.assignment = plan.assignment;
  return unit;
}

void add_time_units(const Experiment& experiment, const Results& results, const Evaluated& plan,
                    std::size_t index, std::vector<Unit>& units) {
  auto builder = base(experiment, Stage::evaluate, time_version);
  add_workload(builder, experiment);
  add_formats(builder, experiment.spec);
  builder.add("assignment", assignment_key(plan.assignment, experiment.layout.formats));
  Unit first{Stage::evaluate, "evaluations/times", archive::Nature::measured};
  first.label = "times of plan " + std::to_string(index);
  first.order = 1'000 * index;
  first.index = index;
  first.exclusive = true;
  first.assignment = plan.assignment;
  add_rounds(experiment, results, first, builder, units);
}

std::vector<Unit> evaluate_units(const Experiment& experiment, const Results& results) {
  std::vector<Unit> units;
  if (experiment.evaluation.empty()) return units;
  const auto maxima = collect_maxima(experiment, results);
  const auto plans = evaluated(experiment, results);
  for (std::size_t i = 0; i < plans.size(); ++i)
    units.push_back(loss_unit(experiment, maxima, plans[i], i));
  if (experiment.spec.evaluate.time && wants_time(experiment.spec))
    for (std::size_t i = 1; i < plans.size(); ++i)
      if (is_real(experiment.layout, plans[i].assignment))
        add_time_units(experiment, results, plans[i], i, units);
  return units;
}

gain::MeasuredTimes collect_times(const Experiment& experiment, const Results& results) {
  std::vector<std::vector<latency::Timings>> rounds(experiment.timing_targets.size());
  for (std::size_t t = 0; t < rounds.size(); ++t)
    for (const auto& unit : latency_units(experiment, results, t))
      if (succeeded(results, unit)) rounds[t].push_back(to_timings(results.at(unit.key)));
  return assign_times(experiment.layout, experiment.timing_targets, rounds);
}

}  // namespace

std::vector<Stage> stages() {
  return {Stage::observe, Stage::score, Stage::latency, Stage::solve, Stage::evaluate};
}

std::string obstacle(const Experiment& experiment, const Results& results, Stage stage) {
  if (stage == Stage::observe) return "";
  for (const auto& unit : observe_units(experiment))
    if (!succeeded(results, unit))
      return "the " + unit.label +
             " failed, and static activation scales need them. Mend the "
             "sample or the model, or use dynamic scales.";
  if (stage == Stage::score || stage == Stage::latency) return "";
  const auto scores = score_units(experiment, results);
  const bool any = std::any_of(scores.begin(), scores.end(),
                               [&](const auto& unit) { return succeeded(results, unit); });
  return any ? "" : "no calibration sample was scored, so there is nothing to plan with.";
}

std::vector<Unit> enumerate(const Experiment& experiment, const Results& results, Stage stage) {
  if (!obstacle(experiment, results, stage).empty()) return {};
  switch (stage) {
    case Stage::observe:
      return observe_units(experiment);
    case Stage::score:
      return score_units(experiment, results);
    case Stage::latency:
      return latency_units(experiment, results);
    case Stage::solve:
      return plan_units(experiment.spec, collect_decision(experiment, results));
    case Stage::evaluate:
      break;
  }
  return evaluate_units(experiment, results);
}

std::vector<std::string> forecast(const Experiment& experiment, Stage stage) {
  std::vector<std::string> keys;
  if (stage == Stage::observe)
    for (const auto& unit : observe_units(experiment)) keys.push_back(unit.key);
  if (stage == Stage::latency)
    for (const auto& unit : latency_units(experiment, {})) keys.push_back(unit.key);
  if (stage == Stage::score) {
    const auto observed = forecast(experiment, Stage::observe);
    for (const auto& sample : experiment.calibration) {
      auto builder = score_key(experiment, sample);
      for (const auto& key : observed) builder.add("observed", key);
      keys.push_back(builder.finish());
    }
  }
  return keys;
}

lower::Maxima collect_maxima(const Experiment& experiment, const Results& results) {
  std::vector<lower::Maxima> records;
  for (const auto& unit : observe_units(experiment)) {
    if (!succeeded(results, unit))
      throw Error(ErrorKind::internal, "the " + unit.label + " are not known yet");
    records.push_back(to_maxima(results.at(unit.key), experiment.layout.partition.ops));
  }
  return records.empty() ? lower::Maxima{} : scale::merge(records);
}

Measured collect_measured(const Experiment& experiment, const Results& results) {
  Measured measured;
  for (const auto& unit : score_units(experiment, results))
    if (succeeded(results, unit))
      measured.scores.push_back(to_score(results.at(unit.key), experiment.layout.partition.ops,
                                         experiment.layout.formats.size() - 1));
  if (wants_time(experiment.spec)) measured.times = collect_times(experiment, results);
  return measured;
}

Decision collect_decision(const Experiment& experiment, const Results& results) {
  return decide(experiment.layout, experiment.spec, collect_measured(experiment, results));
}

}  // namespace gainsweep::pipeline

#include "pipeline/observe.hpp"

#include <algorithm>
#include <tuple>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "lower/fuse.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/pace.hpp"
#include "pipeline/scales.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

// Number of samples that static scales are taken from; none where no format has such scales.
std::size_t num_observed(const Subject& subject) {
  const bool needed = has_static_scales(subject.spec.formats.formats);
  const auto asked = static_cast<std::size_t>(subject.spec.calibration.scale_samples);
  return needed ? std::min(subject.calibration->set.size(), asked) : 0;
}

lower::Maxima maxima_of(const Subject& subject, std::size_t sample, execute::Parameters& parameters,
                        ByBucket<execute::Program>& observers) {
  const auto& bucket = subject.calibration->buckets[sample];
  auto& program = observers.get(bucket, [&] {
    const auto [graph, ops] = graph_of(subject, bucket);
    execute::Program made(lower::observe(*graph, ops), parameters);
    parameters.release_unused();
    return made;
  });
  const auto inputs = execute::make_inputs(program.graph(), subject.calibration->set.load(sample),
                                           subject.model->inputs, *subject.device);
  return execute::observe(program, inputs, subject.layout.partition.ops);
}

batch::Product observe_sample(Workbench& bench, std::size_t sample) {
  const auto& subject = *bench.subject;
  return to_fields(sample, maxima_of(subject, sample, bench.scoring.get(), bench.observers),
                   subject.layout.partition.ops);
}

std::string label_of(std::size_t sample) {
  return "largest magnitudes of sample " + std::to_string(sample);
}

const std::vector<std::string>& keys(Workbench& bench) {
  if (!bench.observe_keys.empty()) return bench.observe_keys;
  const auto& subject = *bench.subject;
  const auto* precision = spelling(subject.spec.sensitivity.precision);
  for (std::size_t i = 0; i < num_observed(subject); ++i)
    bench.observe_keys.push_back(
        key::observe(bench.computing, precision, subject.calibration->ids[i]));
  return bench.observe_keys;
}

batch::Call call(const Bench& bench) {
  batch::Call call;
  for (std::size_t i = 0; i < keys(*bench).size(); ++i) {
    batch::Unit unit;
    unit.key = keys(*bench)[i];
    unit.table = "maxima";
    unit.label = label_of(i);
    unit.order = i;
    unit.work = [bench, i](batch::Context&) { return observe_sample(*bench, i); };
    call.units.push_back(std::move(unit));
  }
  call.units.push_back(weights_unit(bench));
  return call;
}

// What scales follow from: fused groups too, where some format has one for their weights.
std::string with_groups(const Workbench& bench, const std::string& maxima) {
  const auto& [partition, formats] =
      std::tie(bench.subject->layout.partition, bench.subject->layout.formats);
  const auto groups = key::of_fused(partition);
  if (groups.empty() ||
      std::none_of(formats.begin() + 1, formats.end(), format::shares_weight_scale))
    return maxima;
  return digest::Builder().add("maxima", maxima).add("fused", groups).finish();
}

Observed merge_records(Workbench& bench, const batch::Results& results) {
  const auto& ops = bench.subject->layout.partition.ops;
  std::vector<lower::Maxima> samples;
  for (const auto& key : keys(bench)) samples.push_back(to_maxima(*results.find(key), ops));
  const auto of_activations = samples.empty() ? lower::Maxima{} : merge(samples);
  Observed observed{{}, of_activations, with_groups(bench, key::of_maxima(of_activations))};
  add_weights(observed.alone, results.find(key::weights(bench.computing))->fields, ops);
  observed.maxima = observed.alone;
  lower::join_weights(observed.maxima, bench.subject->layout.partition);
  return observed;
}

std::string joined(const std::vector<std::string>& keys) {
  digest::Builder builder;
  for (const auto& key : keys) builder.add("observed", key);
  return builder.finish();
}

void raise(std::vector<float>& maxima, const std::vector<float>& sample) {
  if (maxima.size() != sample.size())
    throw Error(ErrorKind::internal, "maxima of samples differ in the operands of an op.");
  std::transform(maxima.begin(), maxima.end(), sample.begin(), maxima.begin(),
                 [](float a, float b) { return std::max(a, b); });
}

}  // namespace

batch::Stage observe(Bench bench) {
  batch::Stage stage{"observe", {}, {}};
  stage.call = [bench](const batch::Results&) { return call(bench); };
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t) {
    const auto samples = std::count_if(
        units.begin(), units.end(), [](const auto& unit) { return unit.form == batch::Form::row; });
    if (units.empty()) return 0.0;
    const auto pace = observing_pace(*bench->subject);
    return pace.once + static_cast<double>(samples) * pace.run;
  };
  stage.memory = [bench] {
    const auto& subject = *bench->subject;
    return batch::Memory{observing_bytes(subject), checkpoint_bytes(subject),
                         "shorten calibration.length"};
  };
  stage.leave = [bench] { bench->observers.clear(); };
  return stage;
}

bool has_static_scales(const std::vector<format::Format>& formats) {
  return std::any_of(formats.begin() + 1, formats.end(), format::has_static_scale);
}

ObservedState observed_state(Workbench& bench, const batch::Results& results) {
  ObservedState state;
  bool missing = false;
  for (std::size_t i = 0; i < keys(bench).size(); ++i) {
    missing = missing || results.find(keys(bench)[i]) == nullptr;
    if (results.failure(keys(bench)[i]))
      state.obstacles.push_back("everything is left out: the " + label_of(i) +
                                " failed, and static activation scales need them. Mend the sample "
                                "or the model, or use dynamic scales.");
  }
  const auto weights = key::weights(bench.computing);
  missing = missing || results.find(weights) == nullptr;
  if (results.failure(weights))
    state.obstacles.push_back(
        "everything is left out: the largest magnitudes of the weights were not found, and their "
        "scales need them. Mend the model.");
  if (missing) {
    state.digest = with_groups(bench, joined(keys(bench)));
    return state;
  }
  state.value = &bench.observed.get(results, [&] { return merge_records(bench, results); });
  state.digest = state.value->digest;
  return state;
}

lower::Maxima merge(std::span<const lower::Maxima> samples) {
  if (samples.empty())
    throw Error(ErrorKind::internal, "there are no samples to take activation scales from.");
  lower::Maxima maxima = samples.front();
  for (const auto& sample : samples.subspan(1)) {
    if (sample.size() != maxima.size())
      throw Error(ErrorKind::internal, "maxima of samples differ in their ops.");
    for (std::size_t op = 0; op < maxima.size(); ++op) raise(maxima[op], sample[op]);
  }
  return maxima;
}

lower::Maxima observe_now(const Subject& subject) {
  const auto count = num_observed(subject);
  execute::Parameters parameters(*subject.model, *subject.device,
                                 subject.spec.sensitivity.precision);
  ByBucket<execute::Program> observers;
  std::vector<lower::Maxima> samples;
  for (std::size_t i = 0; i < count; ++i)
    samples.push_back(maxima_of(subject, i, parameters, observers));
  auto maxima = samples.empty() ? lower::Maxima{} : merge(samples);
  add_weights(maxima, look_at_weights(subject), subject.layout.partition.ops);
  lower::join_weights(maxima, subject.layout.partition);
  return maxima;
}

batch::Fields to_fields(std::size_t sample, const lower::Maxima& maxima,
                        const std::vector<graph::Op>& ops) {
  std::vector<double> values;
  for (const auto [op, operand] : operand_axis(ops)) values.push_back(maxima[op][operand]);
  const archive::Axes operand{{"operand", values.size()}};
  return {integers("sample", {static_cast<std::int64_t>(sample)}, {}, "1",
                   "Index of the calibration sample"),
          reals("maximum", values, operand, "1",
                "Largest magnitude of an activation operand, 0 for weights")};
}

lower::Maxima to_maxima(const archive::Record& record, const std::vector<graph::Op>& ops) {
  lower::Maxima maxima;
  for (const auto& op : ops) maxima.emplace_back(op.operands.size());
  const auto& values = reals(record.fields, "maximum");
  std::size_t i = 0;
  for (const auto [op, operand] : operand_axis(ops))
    maxima[op][operand] = static_cast<float>(values.at(i++));
  return maxima;
}

}  // namespace gainsweep::pipeline

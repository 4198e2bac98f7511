#include "pipeline/score.hpp"

#include <utility>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/pace.hpp"
#include "pipeline/scales.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

Scoring scoring_of(Workbench& bench, const lower::Maxima& maxima, const Bucket& bucket) {
  const auto& formats = bench.subject->layout.formats;
  const auto [graph, ops] = graph_of(*bench.subject, bucket);
  const auto probed = lower::probe(*graph, ops);
  const auto pieces = scoring_stretches(*bench.subject, probed).pieces;
  auto& weights = bench.scoring.get();
  const auto precision = bench.subject->spec.sensitivity.precision;
  auto prober = bench.scorers.empty()
                    ? execute::Prober(probed, ops, weights, {formats.begin() + 1, formats.end()},
                                      in_precision(maxima, ops, precision), pieces)
                    : execute::Prober(bench.scorers.last().prober, probed, weights, pieces);
  weights.release_unused();
  return {graph, std::move(prober)};
}

batch::Product score_sample(Workbench& bench, const lower::Maxima& maxima, std::size_t sample) {
  const auto& subject = *bench.subject;
  const auto& bucket = subject.calibration->buckets[sample];
  auto& [graph, prober] =
      bench.scorers.get(bucket, [&] { return scoring_of(bench, maxima, bucket); });
  const auto inputs = execute::make_inputs(*graph, subject.calibration->set.load(sample),
                                           subject.model->inputs, *subject.device);
  return to_fields(sample, prober.probe(inputs), subject.layout.partition.ops,
                   subject.layout.formats.size() - 1);
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  const auto observed = observed_state(*bench, results);
  batch::Call call;
  call.obstacles = observed.obstacles;
  call.is_forecast = observed.value == nullptr;
  const auto maxima =
      std::make_shared<lower::Maxima>(observed.value ? observed.value->maxima : lower::Maxima{});
  const auto& all = score_keys(*bench, results);
  for (std::size_t i = 0; i < all.size(); ++i) {
    batch::Unit unit;
    unit.key = all[i];
    unit.table = "scores";
    unit.label = "score of sample " + std::to_string(i);
    unit.order = i;
    unit.work = [bench, maxima, i](batch::Context&) { return score_sample(*bench, *maxima, i); };
    call.units.push_back(std::move(unit));
  }
  return call;
}

}  // namespace

batch::Stage score(Bench bench) {
  batch::Stage stage{"score", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t) {
    if (units.empty()) return 0.0;
    const auto pace = scoring_pace(*bench->subject);
    return pace.once + static_cast<double>(units.size()) * pace.run;
  };
  stage.memory = [bench] {
    const auto& subject = *bench->subject;
    return batch::Memory{scoring_bytes(subject), checkpoint_bytes(subject),
                         "shorten calibration.length"};
  };
  // Later stages have weights of their own.
  stage.leave = [bench] {
    bench->scorers.clear();
    bench->scoring.release();
  };
  return stage;
}

const std::vector<std::string>& score_keys(Workbench& bench, const batch::Results& results) {
  return bench.score_keys.get(results, [&] {
    const auto& subject = *bench.subject;
    const auto maxima = observed_state(bench, results).digest;
    const auto* precision = spelling(subject.spec.sensitivity.precision);
    std::vector<std::string> keys;
    for (const auto& sample : subject.calibration->ids)
      keys.push_back(key::score(bench.computing, precision, sample, bench.formats, maxima));
    return keys;
  });
}

ScoreState score_state(Workbench& bench, const batch::Results& results) {
  ScoreState state;
  if (observed_state(bench, results).value == nullptr) return state;
  state.is_over = true;
  for (const auto& key : score_keys(bench, results)) {
    state.is_over = state.is_over && results.is_over(key);
    if (results.find(key) != nullptr) state.keys.push_back(key);
  }
  return state;
}

batch::Fields to_fields(std::size_t sample, const execute::ProbeRecord& score,
                        const std::vector<graph::Op>& ops, std::size_t num_low_formats) {
  std::vector<double> sensitivity;
  std::vector<std::vector<double>> signed_error, square_error, step_norm;
  for (const auto [op, operand] : operand_axis(ops)) {
    const auto& probe = score.operands[op][operand];
    sensitivity.push_back(probe.sensitivity);
    signed_error.push_back(probe.signed_error);
    square_error.push_back(probe.square_error);
    step_norm.push_back(probe.step_norm);
  }
  const archive::Axes operand{{"operand", sensitivity.size()}};
  const archive::Axes both{{"operand", sensitivity.size()}, {"low_format", num_low_formats}};
  return {integers("sample", {static_cast<std::int64_t>(sample)}, {}, "1",
                   "Index of the calibration sample"),
          reals("loss", {score.loss}, {}, "nat", "Mean cross entropy of the sample, high format"),
          integers("targets", {score.targets}, {}, "1", "Targets of the sample that count"),
          reals("sensitivity", sensitivity, operand, "nat^2", "Sum over elements of (z dg/dz)^2"),
          reals("signed_error", archive::flatten(signed_error), both, "nat",
                "Sum over elements of dg/dz (Q(z) - z)"),
          reals("square_error", archive::flatten(square_error), both, "nat^2",
                "Sum over elements of (dg/dz (Q(z) - z))^2"),
          reals("step_norm", archive::flatten(step_norm), both, "nat^2",
                "Integer formats: sum over scale groups of step^2 times the sum of (dg/dz)^2 "
                "over non-zero z; 0 for floating formats")};
}

execute::ProbeRecord to_score(const archive::Record& record, const std::vector<graph::Op>& ops,
                              std::size_t num_low_formats) {
  execute::ProbeRecord score;
  score.loss = reals(record.fields, "loss").at(0);
  score.targets = integers(record.fields, "targets").at(0);
  for (const auto& op : ops) score.operands.emplace_back(op.operands.size());
  const auto axis = operand_axis(ops);
  const auto& sensitivity = reals(record.fields, "sensitivity");
  const auto& signed_error = reals(record.fields, "signed_error");
  const auto& square_error = reals(record.fields, "square_error");
  const auto& step_norm = reals(record.fields, "step_norm");
  if (sensitivity.size() != axis.size() || signed_error.size() != axis.size() * num_low_formats ||
      square_error.size() != signed_error.size() || step_norm.size() != signed_error.size())
    throw Error(ErrorKind::input, "a score has " + std::to_string(sensitivity.size()) +
                                      " operands and " + std::to_string(signed_error.size()) +
                                      " signed errors where the ops have " +
                                      std::to_string(axis.size()) + " operands and the spec " +
                                      std::to_string(num_low_formats) +
                                      " low formats. Use the spec that the scores were made with.");
  for (std::size_t i = 0; i < axis.size(); ++i) {
    auto& probe = score.operands[axis[i].op][axis[i].operand];
    const auto first = static_cast<std::ptrdiff_t>(i * num_low_formats);
    const auto last = first + static_cast<std::ptrdiff_t>(num_low_formats);
    probe.sensitivity = sensitivity[i];
    probe.signed_error.assign(signed_error.begin() + first, signed_error.begin() + last);
    probe.square_error.assign(square_error.begin() + first, square_error.begin() + last);
    probe.step_norm.assign(step_norm.begin() + first, step_norm.begin() + last);
  }
  return score;
}

}  // namespace gainsweep::pipeline

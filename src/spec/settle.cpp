#include "spec/settle.hpp"

#include <algorithm>

#include "sensitivity/noise.hpp"

namespace gainsweep::spec {
namespace {

void fit_scale_samples(Parts& parts) {
  auto& calibration = parts.spec.calibration;
  calibration.scale_samples = std::min(calibration.scale_samples, calibration.samples);
}

void fit_precision(Parts& parts) {
  using execute::Precision;
  parts.spec.sensitivity.precision = parts.high == "fp32" ? Precision::fp32 : Precision::bf16;
}

void fit_least_repetitions(Parts& parts) {
  auto& rule = parts.spec.latency.rule;
  rule.least_repetitions = std::min(rule.least_repetitions, rule.repetitions);
}

// Rows of a sample are what its file says; those of a run are its batch.
void fit_length(Parts& parts) {
  if (parts.spec.model.exported) parts.spec.calibration.length = 1;
}

void fit_timed_length(Parts& parts) {
  if (parts.spec.model.exported) parts.spec.latency.length = 1;
}

void fit_loss_model(Parts& parts) {
  auto& solve = parts.spec.solve;
  if (has_no_first_order(parts.spec.model)) {
    solve.loss_model = "second_order";
    return;
  }
  solve.loss_model = sensitivity::noises().at(solve.noise).loss_model;
}

void fit_seed(Parts& parts) {
  parts.spec.solve.seed = parts.spec.seed;
}

void fit_context(Parts& parts) {
  parts.spec.solve.context = parts.spec.latency.length;
}

void fit_sequences(Parts& parts) {
  parts.spec.solve.sequences = parts.spec.latency.batch;
}

void fit_strategies(Parts& parts) {
  const auto& made = parts.spec.solve.strategies;
  auto& evaluated = parts.spec.evaluate.strategies;
  const auto is_made = [&](const auto& name) {
    return std::find(made.begin(), made.end(), name) != made.end();
  };
  if (!made.empty() && !std::all_of(evaluated.begin(), evaluated.end(), is_made))
    evaluated = {made.front()};
}

// Nothing is timed where times are not measured.
void fit_evaluated_time(Parts& parts) {
  auto& time = parts.spec.evaluate.time;
  time = time && measures(parts.spec.latency);
}

struct Default {
  const char* statement;
  const char* key;  ///< it is left alone where this is written
  void (*fit)(Parts&);
};

constexpr Default defaults[] = {
    {"`calibration.scale_samples` that is left out is at most `calibration.samples`.",
     "calibration.scale_samples", fit_scale_samples},
    {"`sensitivity.precision` that is left out is the arithmetic of `formats.high`.",
     "sensitivity.precision", fit_precision},
    {"`latency.least_repetitions` that is left out is at most `latency.repetitions`.",
     "latency.least_repetitions", fit_least_repetitions},
    {"`calibration.length` of an exported model is what its samples have.", "calibration.length",
     fit_length},
    {"`latency.length` of an exported model is 1: a run is of `latency.batch` rows.",
     "latency.length", fit_timed_length},
    {"`solve.loss_model` that is left out is `first_order`, the paper's, where `solve.noise` is "
     "`paper`, and `second_order` where `model.loss` is `divergence`.",
     "solve.loss_model", fit_loss_model},
    {"`solve.seed` that is left out is `seed`.", "solve.seed", fit_seed},
    {"`solve.context` that is left out is `latency.length`.", "solve.context", fit_context},
    {"`solve.sequences` that is left out is `latency.batch`.", "solve.sequences", fit_sequences},
    {"`evaluate.strategies` that is left out is the first of `solve.strategies` where `ip` is none "
     "of them.",
     "evaluate.strategies", fit_strategies},
    {"`evaluate.time` that is left out is false where `latency.source` is not `measured`.",
     "evaluate.time", fit_evaluated_time},
};

}  // namespace

void settle(Parts& parts, const config::Written& written) {
  for (const auto& one : defaults)
    if (!written.lines.contains(one.key)) one.fit(parts);
}

std::vector<std::string> settled() {
  std::vector<std::string> statements;
  for (const auto& one : defaults) statements.emplace_back(one.statement);
  return statements;
}

}  // namespace gainsweep::spec

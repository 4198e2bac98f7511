#include "spec/check.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"
#include "format/range.hpp"
#include "format/scale.hpp"
#include "sensitivity/metric.hpp"
#include "sensitivity/noise.hpp"
#include "solve/strategy.hpp"
#include "spec/case.hpp"

namespace gainsweep::spec {
namespace {

using execute::Precision;

template <class T>
bool contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string text(std::int64_t value) {
  return std::to_string(value);
}

void check_high_not_low(const Case& c) {
  if (!contains(c.parts.low, c.parts.high)) return;
  c.add("formats.low", "'" + c.parts.high +
                           "' is the high format already (nothing is gained by it). Remove it, or "
                           "set formats.high to fp32.");
}

void check_properties_in_use(const Case& c) {
  for (const auto& format : c.parts.scaled) {
    const std::string path = "formats." + format.name;
    if (!c.is_written(path) || is_in_use(c.parts, format.name)) continue;
    c.add(path, "properties of a number format that is not in use (formats.low has " +
                    join(c.parts.low) + "). Remove them, or add the format to formats.low.");
  }
}

void check_scale_grids(const Case& c) {
  for (const auto& format : c.parts.scaled) {
    const auto& number = format.weight.name == format.name ? format.weight : *format.activation;
    if (number.granularity == format::Granularity::block || !is_in_use(c.parts, format.name))
      continue;
    const auto obstacle = format::scale_grids().at(number.scale_grid).obstacle(number);
    if (obstacle.empty()) continue;
    c.add("formats." + format.name + ".scale_grid", "'" + number.scale_grid + "' " + obstacle);
  }
}

void check_ranges(const Case& c) {
  for (const auto& format : c.parts.scaled) {
    const auto obstacle = format::ranges().at(format.weight.range).obstacle(format.weight);
    if (obstacle.empty() || !is_in_use(c.parts, format.name)) continue;
    c.add("formats." + format.name + ".range", "'" + format.weight.range + "' " + obstacle);
  }
}

void check_rates_in_use(const Case& c) {
  for (const auto& [name, rate] : c.parts.spec.target.mac_rates) {
    if (name == c.parts.high || contains(c.parts.low, name)) continue;
    c.add("target.mac_rates." + name, "the rate of a format that is not in use (the formats are " +
                                          c.parts.high + ", " + join(c.parts.low) +
                                          "). Remove it, or add the format to formats.low.");
  }
}

void check_rounding_visible(const Case& c) {
  if (!contains(c.parts.low, std::string("bf16"))) return;
  if (c.parts.spec.sensitivity.precision != Precision::bf16) return;
  c.add("sensitivity.precision",
        "bf16 arithmetic hides the rounding to bf16 (formats.low has it). Write fp32.");
}

void check_scale_samples(const Case& c) {
  const auto& calibration = c.parts.spec.calibration;
  if (calibration.scale_samples <= calibration.samples) return;
  c.add("calibration.scale_samples",
        text(calibration.scale_samples) + " is above calibration.samples (there are only " +
            text(calibration.samples) + "). Write at most " + text(calibration.samples) + ".");
}

void check_other_windows(const Case& c) {
  const auto& [calibration, evaluate] = std::tie(c.parts.spec.calibration, c.parts.spec.evaluate);
  const auto check = [&](const std::string& key, const auto& evaluated, const auto& calibrated) {
    if (!evaluated || !calibrated ||
        evaluated->lexically_normal() != calibrated->lexically_normal())
      return;
    c.add("evaluate." + key,
          "the file of calibration." + key +
              " (plans would be evaluated on what they were made from). Leave it out: evaluation "
              "then takes the sequences after the calibration ones.");
  };
  check("tokens", evaluate.tokens, calibration.tokens);
  check("inputs", evaluate.inputs, calibration.inputs);
}

void check_repetitions(const Case& c) {
  const auto& rule = c.parts.spec.latency.rule;
  if (rule.least_repetitions <= rule.repetitions) return;
  c.add("latency.least_repetitions",
        text(rule.least_repetitions) + " is above latency.repetitions (there are only " +
            text(rule.repetitions) + "). Write at most " + text(rule.repetitions) + ".");
}

void check_description(const Case& c) {
  const auto& latency = c.parts.spec.latency;
  if (measures(latency) == !latency.description) return;
  c.add("latency.description",
        measures(latency)
            ? "a file of times that nobody asks for (latency.source is measured). Leave it out, or "
              "write latency.source: modelled."
            : "no file to take times from (latency.source is " + latency.source +
                  "). Name one, for example configs/devices/gaudi2.yaml for modelled times or the "
                  "header of a timing table for imported ones.");
}

void check_evaluated_time(const Case& c) {
  const auto& [latency, evaluate] = std::tie(c.parts.spec.latency, c.parts.spec.evaluate);
  if (!evaluate.time || measures(latency)) return;
  c.add("evaluate.time", "true where latency.source is " + latency.source +
                             " (the device that plans are made for is not here, so nothing can be "
                             "timed on it). Write false, or leave it out.");
}

void check_time_means_something(const Case& c) {
  if (c.parts.spec.device != "cpu" || !measures(c.parts.spec.latency)) return;
  if (!contains(c.parts.spec.solve.objectives, std::string("time"))) return;
  const bool is_real = std::any_of(c.parts.low.begin(), c.parts.low.end(), [](const auto& name) {
    return name == "int8" || name == "uint8" || name == "bf16";
  });
  if (is_real) return;
  c.add("solve.objectives",
        "'time' on a CPU with formats alone that are emulated there (" + join(c.parts.low) +
            "), whose time means nothing. Remove 'time', add int8 to formats.low, or choose "
            "another device.");
}

void check_noise(const Case& c) {
  const auto& noise = c.parts.spec.solve.noise;
  for (const auto& format : c.parts.scaled) {
    if (!is_in_use(c.parts, format.name) ||
        sensitivity::suits(sensitivity::noises().at(noise), format))
      continue;
    c.add("solve.noise", "'" + noise + "' with " + format.name +
                             " (its elements have so few exponents that their rounding error is "
                             "no part of their size, which this model takes it for). Write "
                             "empirical, squares or shrunken.");
  }
}

void check_evaluated_solved(const Case& c) {
  const auto& [evaluate, solve] = std::tie(c.parts.spec.evaluate, c.parts.spec.solve);
  for (const auto& strategy : evaluate.strategies) {
    if (contains(solve.strategies, strategy)) continue;
    c.add("evaluate.strategies", "'" + strategy +
                                     "' makes no plans (solve.strategies lacks it). Add it there, "
                                     "or evaluate those that do.");
  }
}

void check_chunk(const Case& c) {
  const auto& evaluate = c.parts.spec.evaluate;
  const auto refuse = [&](const char* key, std::int64_t samples) {
    if (evaluate.chunk == 0 || samples % evaluate.chunk == 0) return;
    c.add("evaluate.chunk", text(evaluate.chunk) + " does not divide " + key + ", " +
                                text(samples) +
                                " (all units of a table have equally many samples). Write a "
                                "divisor of it, or 0 for all of them at once.");
  };
  refuse("evaluate.samples", evaluate.samples);
  refuse("solve.search_samples", c.parts.spec.solve.search_samples);
}

void check_task_names(const Case& c) {
  const auto& tasks = c.parts.spec.evaluate.tasks;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    for (std::size_t other = 0; other < i && tasks[i].name; ++other) {
      if (tasks[other].name != tasks[i].name) continue;
      c.add("evaluate.tasks[" + std::to_string(i) + "].name",
            "'" + *tasks[i].name + "' is the name of evaluate.tasks[" + std::to_string(other) +
                "], too (tables tell tasks by their names). Give one of them another.");
      break;
    }
}

void check_tasks_answered(const Case& c) {
  const auto& evaluate = c.parts.spec.evaluate;
  if (evaluate.tasks.empty() || !evaluate.strategies.empty() || !evaluate.plans.empty()) return;
  c.add("evaluate.tasks",
        "tasks that no plan would answer (evaluate.strategies and evaluate.plans name none). Name "
        "a strategy or a plan, or leave the tasks out.");
}

void check_resamples(const Case& c) {
  const auto resamples = c.parts.spec.solve.resamples;
  if (resamples % resample_block == 0) return;
  c.add("solve.resamples", text(resamples) + " is not a multiple of " + text(resample_block) +
                               " (a unit of work has so many resamples). Write " +
                               text(resamples + resample_block - resamples % resample_block) + ".");
}

void check_search_metric(const Case& c) {
  const auto& [model, solve] = std::tie(c.parts.spec.model, c.parts.spec.solve);
  if (!has_no_first_order(model) || !sensitivity::metrics().at(solve.search_metric).needs_targets)
    return;
  c.add("solve.search_metric", "'" + solve.search_metric +
                                   "' with model.loss divergence (samples have no labels, so "
                                   "nothing is right). Write agreement, divergence or loss_error.");
}

void check_constraints_kept(const Case& c) {
  const auto& solve = c.parts.spec.solve;
  if (solve.constraints.empty()) return;
  for (const auto& name : solve.strategies)
    if (!solve::strategies().at(name).keeps_constraints)
      c.add("solve.strategies",
            "'" + name +
                "' keeps the loss error alone (solve.constraints limits more). Leave it out, or "
                "the constraints.");
}

void check_number_of_constraints(const Case& c) {
  const auto& solve = c.parts.spec.solve;
  const std::size_t most = solve.budgets.empty() ? 3 : 2;
  if (solve.constraints.size() <= most) return;
  c.add("solve.constraints",
        text(static_cast<std::int64_t>(solve.constraints.size())) + " resources are limited" +
            (solve.budgets.empty() ? "" : " beside those of solve.budgets") +
            " (exact programs keep four limits, the loss error's among them). Limit at most " +
            text(static_cast<std::int64_t>(most)) +
            ": bytes, bits and card_bytes follow from each other.");
}

/// Of number formats.
std::vector<Rule> format_rules() {
  return {
      {"`formats.low` does not name the high format.",
       {"formats.high", "formats.low"},
       check_high_not_low},
      {"`formats.NAME` is written only for a NAME in `formats.low`.",
       {"formats.low"},
       check_properties_in_use,
       true},
      {"`formats.NAME.scale_grid` is `gaudi2` for fp8_e4m3_gaudi2 alone and `gaudi3` for fp8 "
       "formats "
       "alone, both with `granularity: tensor`.",
       {"formats"},
       check_scale_grids},
      {"`formats.NAME.range` is `mse` only with `granularity: channel`.",
       {"formats"},
       check_ranges},
      {"`target.mac_rates` names only formats in use.",
       {"formats.high", "formats.low", "target.mac_rates"},
       check_rates_in_use,
       true},
      {"`sensitivity.precision` is `fp32` where `formats.low` names bf16.",
       {"formats.low", "sensitivity.precision"},
       check_rounding_visible},
      {"`solve.noise` is neither `paper` nor `log_uniform` where a format in use has elements of "
       "two "
       "exponent bits or fewer: mxfp4, nvfp4, mxfp6_e2m3.",
       {"formats.low", "solve.noise"},
       check_noise},
  };
}

/// Of samples.
std::vector<Rule> sample_rules() {
  return {
      {"`calibration.scale_samples` is at most `calibration.samples`.",
       {"calibration.samples", "calibration.scale_samples"},
       check_scale_samples},
      {"`evaluate.tokens` is not the file of `calibration.tokens`, nor `evaluate.inputs` that of "
       "`calibration.inputs`.",
       {"calibration.tokens", "evaluate.tokens", "calibration.inputs", "evaluate.inputs"},
       check_other_windows},
      {"`evaluate.chunk` divides `evaluate.samples` and `solve.search_samples`.",
       {"evaluate.samples", "evaluate.chunk", "solve.search_samples"},
       check_chunk},
  };
}

/// Of times.
std::vector<Rule> time_rules() {
  return {
      {"`latency.least_repetitions` is at most `latency.repetitions`.",
       {"latency.repetitions", "latency.least_repetitions"},
       check_repetitions},
      {"`latency.description` is written exactly where `latency.source` is not `measured`.",
       {"latency.source", "latency.description"},
       check_description},
      {"`evaluate.time` is not true where `latency.source` is not `measured`.",
       {"latency.source", "evaluate.time"},
       check_evaluated_time},
      {"`solve.objectives` has no `time` where `device` is `cpu`, `latency.source` is `measured` "
       "and `formats.low` has neither int8, uint8 nor bf16: others are emulated on a CPU and their "
       "time "
       "means nothing.",
       {"formats.low", "device", "latency.source", "solve.objectives"},
       check_time_means_something},
  };
}

/// Of plans, and of what is asked of them.
std::vector<Rule> plan_rules() {
  return {
      {"`evaluate.strategies` are among `solve.strategies`.",
       {"solve.strategies", "evaluate.strategies"},
       check_evaluated_solved},
      {"`solve.strategies` names only `ip` where `solve.constraints` limits anything.",
       {"solve.constraints", "solve.strategies"},
       check_constraints_kept},
      {"`solve.constraints` limits at most 3 resources, 2 where there are `solve.budgets`.",
       {"solve.constraints", "solve.budgets"},
       check_number_of_constraints},
      {"`solve.search_metric` is not `accuracy` where `model.loss` is `divergence`: nothing is "
       "right "
       "there.",
       {"model", "solve.search_metric"},
       check_search_metric},
      {"`solve.resamples` is a multiple of 10.", {"solve.resamples"}, check_resamples},
      {"Names in `evaluate.tasks` differ.", {"evaluate.tasks"}, check_task_names},
      {"`evaluate.tasks` are named only beside `evaluate.strategies` or `evaluate.plans`.",
       {"evaluate.strategies", "evaluate.plans", "evaluate.tasks"},
       check_tasks_answered},
  };
}

const std::vector<Rule>& all_rules() {
  static const auto rules = [] {
    std::vector<Rule> all;
    for (auto* some : {format_rules, model_rules, sample_rules, time_rules, plan_rules}) {
      const auto own = some();
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }();
  return rules;
}

}  // namespace

void check(const Parts& parts, const config::Written& written, config::Problems& problems) {
  const bool formats_vary = written.swept.contains("formats.low");
  // All rules are chosen before any is applied: what one finds does not silence the next.
  std::vector<const Rule*> applicable;
  for (const auto& rule : all_rules()) {
    if (formats_vary && rule.of_formats_in_use) continue;
    const bool sound = std::none_of(rule.keys.begin(), rule.keys.end(),
                                    [&](const auto& key) { return problems.touch(key); });
    if (sound) applicable.push_back(&rule);
  }
  for (const Rule* rule : applicable) rule->check(Case(parts, written.lines, problems));
}

std::vector<std::string> rules() {
  std::vector<std::string> statements;
  for (const auto& rule : all_rules()) statements.emplace_back(rule.statement);
  return statements;
}

}  // namespace gainsweep::spec

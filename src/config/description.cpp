#include "config/description.hpp"

#include <algorithm>
#include <limits>

#include "config/problems.hpp"

namespace gainsweep::config {
namespace {

constexpr std::int64_t million = 1000000;
constexpr std::int64_t most_tokens = std::int64_t{1} << 20;
constexpr std::int64_t largest_exact_json_integer = (std::int64_t{1} << 53) - 1;
constexpr double week_in_seconds = 7 * 24 * 3600;

template <class Enum>
std::vector<std::string> spellings(const std::vector<Enum>& values) {
  std::vector<std::string> names;
  for (const Enum value : values) names.emplace_back(spelling(value));
  return names;
}

template <class Enum>
Choice choice(Enum& value, const std::vector<Enum>& allowed = enumerators<Enum>()) {
  return {spellings(allowed), [&value] { return std::string(spelling(value)); },
          [&value](const std::string& name) { value = enumerator<Enum>(name); }};
}

template <class Enum>
ChoiceList choice_list(std::vector<Enum>& values, std::size_t least_count = 1) {
  return {spellings(enumerators<Enum>()), least_count, [&values] { return spellings(values); },
          [&values](const std::vector<std::string>& names) {
            values.clear();
            for (const auto& name : names) values.push_back(enumerator<Enum>(name));
          }};
}

Integer count(std::int64_t& value, std::int64_t least = 1, std::int64_t most = million) {
  return {&value, least, most};
}

bool is_low(const Draft& draft, const std::string& format) {
  return std::find(draft.low.begin(), draft.low.end(), format) != draft.low.end();
}

std::vector<std::string> low_names() {
  auto names = format::names();
  std::erase(names, "fp32");
  return names;
}

Section describe(format::Format& format) {
  return {{
      {"scale",
       "where the scales of activations come from: the first calibration samples, or the "
       "sample at hand",
       choice(format.activation_scale,
              {format::ScaleRule::static_max, format::ScaleRule::dynamic_max})},
      {"backoff", "part of the format's range that the largest magnitude is scaled to",
       Backoff{{&format.activation_backoff, 0, 1}, {&format.weight_backoff, 0, 1}}},
      {"granularity", "what shares a scale in a weight: the tensor or an output channel",
       choice(format.weight_granularity)},
  }};
}

Section describe_formats(Draft& draft) {
  Section section{{
      {"high", "format of what is not lowered; with fp32 nothing is rounded",
       Choice{{"bf16", "fp32"},
              [&draft] { return draft.high; },
              [&draft](const std::string& name) { draft.high = name; }},
       "", "bf16"},
      {"low", "formats that ops may be lowered to; bf16 only below fp32",
       ChoiceList{low_names(), 1, [&draft] { return draft.low; },
                  [&draft](const std::vector<std::string>& names) { draft.low = names; }},
       "", "[int8]"},
  }};
  for (auto& format : draft.scaled) {
    section.keys.push_back({format.name, "properties of " + format.name + ", if it is in use",
                            describe(format), "", "", is_low(draft, format.name)});
  }
  return section;
}

Section describe(ModelSpec& model) {
  return {{
      {"checkpoint", "folder of the model in Hugging Face layout", Path{&model.checkpoint}, "",
       "configs/models/embedded"},
  }};
}

Section describe(CalibrationSpec& calibration) {
  return {{
      {"tokens", "HDF5 file of the token ids", Path{&calibration.tokens}, "",
       "configs/data/embedded.h5"},
      {"samples", "number of sequences that are scored", count(calibration.samples)},
      {"length", "predicted tokens of a sequence", count(calibration.length, 1, most_tokens),
       "tokens"},
      {"scale_samples",
       "number of first sequences that static scales of activations are taken from",
       count(calibration.scale_samples)},
  }};
}

Section describe(graph::PartitionSpec& partition, std::int64_t& configuration_limit) {
  return {{
      {"rule", "how ops form sub-graphs: by data flow, or every op alone", choice(partition.rule)},
      {"merge", "groups of patterns, the sub-graphs of a group's matches become one",
       PatternGroups{&partition.merge}},
      {"split", "patterns of ops that become sub-graphs of their own", Patterns{&partition.split}},
      {"tie", "patterns whose matches in a sub-graph share one format", Patterns{&partition.tie}},
      {"late", "patterns of ops that join the sub-graph of their first consumer",
       Patterns{&partition.late}},
      {"configuration_limit", "most configurations of a sub-graph",
       count(configuration_limit, 2, million)},
  }};
}

Section describe(SensitivitySpec& sensitivity) {
  return {{
      {"precision", "arithmetic of the scoring passes", choice(sensitivity.precision)},
      {"noise", "models of the rounding error that are recorded", choice_list(sensitivity.noise)},
  }};
}

Section describe(LatencySpec& latency) {
  return {{
      {"device", "device that times are measured on", choice(latency.device)},
      {"scope", "what is timed: the whole forward pass, or a sub-graph alone on captured inputs",
       choice(latency.scope)},
      {"batch", "number of sequences of a timed run", count(latency.batch, 1, 65536)},
      {"length", "length of each sequence of a timed run", count(latency.length, 1, most_tokens),
       "tokens"},
      {"warmup", "least number of runs before timing", count(latency.warmup, 0)},
      {"repetitions", "most blocks of a unit", count(latency.repetitions, 2)},
      {"least_repetitions", "least blocks of a unit", count(latency.least_repetitions, 2)},
      {"precision", "width of the confidence intervals, relative to the baseline, that ends a unit",
       Real{&latency.precision, 0, 1}},
      {"confidence", "confidence of those intervals", Real{&latency.confidence, 0, 1, true, true}},
      {"budget_seconds", "most time of a unit", Real{&latency.budget_seconds, 0, week_in_seconds},
       "s"},
      {"each_member", "time every sub-graph instead of one for each structural class",
       Flag{&latency.each_member}},
  }};
}

Section describe(TargetSpec& target) {
  auto names = low_names();
  names.insert(names.begin(), "fp32");
  return {{
      {"mac_rates",
       "relative rate of multiply-accumulates by format; by default the high format's bits over "
       "the format's",
       Rates{&target.mac_rates, names}},
  }};
}

Section describe(SolveSpec& solve) {
  return {{
      {"loss_model",
       "how loss errors add up: to first order, or with the bias that rounding puts on the loss",
       choice(solve.loss_model)},
      {"noise", "model of the rounding error that plans are made with", choice(solve.noise)},
      {"objectives", "what plans gain", choice_list(solve.objectives), "", "[time, macs, memory]"},
      {"thresholds", "allowed root-mean-square loss errors relative to the root-mean-square loss",
       Grid{&solve.thresholds}, "", "{geometric: {from: 1.0e-4, to: 3.0e-2, count: 15}}"},
      {"strategies", "how plans are chosen", choice_list(solve.strategies), "",
       "[ip, prefix, random]"},
      {"draws", "number of plans that the random strategy draws", count(solve.draws)},
      {"frontier", "also find the whole frontier of each objective", Flag{&solve.frontier}},
  }};
}

Section describe(EvaluateSpec& evaluate) {
  return {{
      {"samples", "number of sequences that plans are evaluated on", count(evaluate.samples)},
      {"tokens",
       "HDF5 file of the token ids; null for the sequences that follow the calibration ones",
       OptionalPath{&evaluate.tokens}},
      {"strategies", "strategies whose plans are evaluated; none for no evaluation",
       choice_list(evaluate.strategies, 0)},
      {"every", "step through the thresholds, 1 for all of them", count(evaluate.every)},
      {"time", "measure the time of plans whose formats the device really runs",
       Flag{&evaluate.time}},
  }};
}

/// fp32 is no format that anything is rounded to; only its name and size mean something.
format::Format high_format(const std::string& name) {
  if (name != "fp32") return format::by_name(name);
  return {.name = "fp32",
          .grid = {.kind = format::Kind::floating,
                   .exponent_bits = 8,
                   .mantissa_bits = 23,
                   .bias = 127,
                   .max = std::numeric_limits<float>::max()},
          .bits = 32,
          .activation_scale = format::ScaleRule::fixed};
}

}  // namespace

Draft make_draft() {
  Draft draft;
  for (const auto& name : low_names()) {
    auto format = format::by_name(name);
    if (format.activation_scale != format::ScaleRule::fixed) {
      draft.scaled.push_back(std::move(format));
    }
  }
  draft.configuration_limit = static_cast<std::int64_t>(draft.spec.partition.configuration_limit);
  return draft;
}

Draft make_draft(const Spec& spec) {
  Draft draft = make_draft();
  draft.spec = spec;
  draft.configuration_limit = static_cast<std::int64_t>(spec.partition.configuration_limit);
  for (const auto& format : spec.formats.formats) {
    if (draft.high.empty()) {
      draft.high = format.name;
      continue;
    }
    draft.low.push_back(format.name);
    for (auto& scaled : draft.scaled) {
      if (scaled.name == format.name) scaled = format;
    }
  }
  return draft;
}

Spec assemble(const Draft& draft) {
  Spec spec = draft.spec;
  spec.partition.configuration_limit = static_cast<std::size_t>(draft.configuration_limit);
  spec.formats.formats = {high_format(draft.high)};
  for (const auto& name : draft.low) {
    const auto scaled = std::find_if(draft.scaled.begin(), draft.scaled.end(),
                                     [&](const auto& format) { return format.name == name; });
    spec.formats.formats.push_back(scaled == draft.scaled.end() ? format::by_name(name) : *scaled);
  }
  return spec;
}

Section describe(Draft& draft) {
  Spec& spec = draft.spec;
  return {{
      {"schema", "version of the layout of specs", Integer{&spec.schema, 1, 1}, "", "1"},
      {"name", "name of the experiment", Name{&spec.name}, "", "embedded"},
      {"model", "the trained model", describe(spec.model)},
      {"calibration", "the data that sensitivities are measured on", describe(spec.calibration)},
      {"formats", "the number formats", describe_formats(draft)},
      {"partition", "how ops form sub-graphs", describe(spec.partition, draft.configuration_limit)},
      {"sensitivity", "how loss errors are predicted", describe(spec.sensitivity)},
      {"latency", "how times are measured", describe(spec.latency)},
      {"target", "what is known about the accelerator", describe(spec.target)},
      {"threads", "threads of one operator on one rank", count(spec.threads, 1, 4096)},
      {"seed", "seed of everything random", count(spec.seed, 0, largest_exact_json_integer)},
      {"solve", "which plans are made", describe(spec.solve)},
      {"evaluate", "which plans are measured", describe(spec.evaluate)},
  }};
}

double mac_rate(const Spec& spec, const format::Format& format) {
  const auto own = spec.target.mac_rates.find(format.name);
  if (own != spec.target.mac_rates.end()) return own->second;
  const int high_bits = spec.formats.formats.empty() ? 16 : spec.formats.formats.front().bits;
  return static_cast<double>(high_bits) / format.bits;
}

}  // namespace gainsweep::config

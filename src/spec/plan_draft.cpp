#include "spec/plan_draft.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "format/block.hpp"
#include "format/range.hpp"
#include "format/scale.hpp"
#include "gain/objective.hpp"
#include "gain/resource.hpp"
#include "latency/source.hpp"
#include "sensitivity/loss_model.hpp"
#include "sensitivity/metric.hpp"
#include "sensitivity/noise.hpp"
#include "solve/strategy.hpp"
#include "spec/check.hpp"
#include "spec/choice.hpp"
#include "spec/evaluate_keys.hpp"
#include "spec/model_keys.hpp"
#include "spec/settle.hpp"

namespace gainsweep::spec {
namespace {

using config::Backoff, config::Choice, config::ChoiceList, config::Flag, config::Grid,
    config::Integer, config::NamedGrids, config::NamedNumbers, config::OptionalPath,
    config::OptionalPatterns, config::PatternGroups, config::Patterns, config::Real,
    config::Section;

constexpr std::int64_t million = 1000000;
constexpr std::int64_t most_tokens = std::int64_t{1} << 20;
constexpr std::int64_t most_context = std::int64_t{1} << 28;
constexpr double most_amount = 1e18;
constexpr double week_in_seconds = 7 * 24 * 3600;

Integer count(std::int64_t& value, std::int64_t least = 1, std::int64_t most = million) {
  return {&value, least, most};
}

std::vector<std::string> low_names() {
  auto names = format::names();
  std::erase(names, "fp32");
  return names;
}

/// One text for both operands.
Choice both(std::string& weight, std::string& activation, const std::vector<std::string>& names) {
  return {names, [&weight] { return weight; },
          [&weight, &activation](const std::string& name) { weight = activation = name; }};
}

config::Key scale_key(format::NumberFormat& activation) {
  return {
      "scale",
      "where the scales of activations come from: the first calibration samples, or the "
      "sample at hand",
      choice(activation.scale, {format::ScaleRule::static_max, format::ScaleRule::dynamic_max})};
}

/// Of a number format with a scale a tensor or channel.
Section describe(format::Format& format) {
  const auto& [weight, activation] = std::tie(format.weight, *format.activation);
  return {{
      scale_key(activation),
      {"backoff", "part of the format's range that the largest magnitude is scaled to",
       Backoff{{&activation.backoff, 0, 1}, {&weight.backoff, 0, 1}}},
      {"granularity", "what shares a scale in a weight: the tensor or an output channel",
       choice(weight.granularity, {format::Granularity::tensor, format::Granularity::channel})},
      {"range",
       "which magnitudes of a weight's channel its scale covers: all (max), or those at which the "
       "squared error of rounding is least (mse)",
       Choice{format::ranges().names(), [&weight = weight] { return weight.range; },
              [&weight = weight](const std::string& name) { weight.range = name; }}},
      {"scale_grid",
       "which numbers are scales: any, or the least not below the free one among the powers of "
       "two, or among the exponent biases of a Gaudi 2 (16, 1, 1/16, 1/256) or Gaudi 3",
       both(weight.scale_grid, activation.scale_grid, format::scale_grids().names())},
  }};
}

/// Of a number format that activations alone have.
Section describe_activations(format::NumberFormat& activation) {
  return {{
      scale_key(activation),
      {"backoff", "part of the format's range that the largest magnitude is scaled to",
       Real{&activation.backoff, 0, 1}},
      {"scale_grid",
       "which numbers are scales: any, or the least not below the free one among the powers of two",
       Choice{format::scale_grids().names(), [&activation] { return activation.scale_grid; },
              [&activation](const std::string& name) { activation.scale_grid = name; }}},
  }};
}

/// Of a number format in blocks.
Section describe_blocks(format::Format& format) {
  const auto& [weight, activation] = std::tie(format.weight, *format.activation);
  Section section;
  if (weight.two_level) section.keys.push_back(scale_key(activation));
  const auto grids = format::block_scales_of(weight);
  if (grids.size() > 1)
    section.keys.push_back(
        {"scale_grid",
         weight.grid.kind == format::Kind::integer
             ? "which numbers are scales of groups: of bf16, rounded up, or of fp32"
             : "which power of two is a block's scale: by the OCP standard (large elements may "
               "saturate), the least at which nothing saturates, by rounding to the element's "
               "mantissa, or as compressed-tensors has it",
         both(weight.scale_grid, activation.scale_grid, grids)});
  return section;
}

Section describe_number(format::Format& format) {
  if (format.weight.granularity == format::Granularity::block) return describe_blocks(format);
  if (format.weight.name != format.name) return describe_activations(*format.activation);
  return describe(format);
}

Section describe_formats(Parts& parts) {
  Section section{{
      {"high", "format of what is not lowered; with fp32 nothing is rounded",
       Choice{{"bf16", "fp32"},
              [&parts] { return parts.high; },
              [&parts](const std::string& name) { parts.high = name; }},
       "", "bf16"},
      {"low",
       "formats that ops may be lowered to, as docs/formats.md has them; bf16 only below fp32",
       ChoiceList{low_names(), 1, [&parts] { return parts.low; },
                  [&parts](const std::vector<std::string>& names) { parts.low = names; }},
       "", "[int8]"},
  }};
  for (auto& format : parts.scaled) {
    section.keys.push_back({format.name,
                            "properties of the number format " + format.name + ", if it is in use",
                            describe_number(format), "", "", is_in_use(parts, format.name)});
  }
  return section;
}

Section describe(graph::PartitionSpec& partition, std::int64_t& configuration_limit) {
  return {{
      {"rule", "how ops form sub-graphs: by data flow, or every op alone", choice(partition.rule)},
      {"merge", "groups of patterns, the sub-graphs of a group's matches become one",
       PatternGroups{&partition.merge}},
      {"split", "patterns of ops that become sub-graphs of their own", Patterns{&partition.split}},
      {"tie",
       "patterns whose matches in a sub-graph share one format; null for those of the model's "
       "family",
       OptionalPatterns{&partition.tie}},
      {"fused",
       "linear layers of a sub-graph that read one value and run as one matrix product, in one "
       "format: none, those that attention multiplies, or all",
       choice(partition.fused)},
      {"late", "patterns of ops that join the sub-graph of their first consumer",
       Patterns{&partition.late}},
      {"configuration_limit", "most configurations of a sub-graph",
       count(configuration_limit, 2, million)},
  }};
}

Section describe(SensitivitySpec& sensitivity) {
  return {{
      {"precision", "arithmetic of the observing and scoring passes",
       choice(sensitivity.precision)},
      {"anchor_samples",
       "number of first calibration sequences that are run with every op in each low format, which "
       "the loss model `anchored` needs; all of them where there are fewer; 0 for none, then "
       "`anchored` counts as `bias` does",
       count(sensitivity.anchor_samples, 0)},
  }};
}

Section describe(LatencySpec& latency) {
  return {{
      {"source",
       "where times come from: measured on the device, modelled by the description of one, or "
       "imported from a timing table",
       choice(latency.source, latency::sources())},
      {"description",
       "file that times which are not measured come from, such as configs/devices/gaudi2.yaml or "
       "the header of a timing table; null where they are measured",
       OptionalPath{&latency.description}},
      {"scope", "what is timed: the whole forward pass, or the segment that holds a sub-graph",
       choice(latency.scope)},
      {"batch", "number of sequences of a timed run", count(latency.batch, 1, 65536)},
      {"length", "length of each sequence of a timed run", count(latency.length, 1, most_tokens),
       "tokens"},
      {"warmup", "least number of runs before timing", count(latency.rule.warmup, 0)},
      {"repetitions",
       "most blocks of a class or plan; one round more where they miss the precision",
       count(latency.rule.repetitions, 2)},
      {"least_repetitions", "blocks of a round, the least of a class or plan",
       count(latency.rule.least_repetitions, 2)},
      {"precision",
       "width of the confidence intervals of what is saved, relative to the baseline, that is "
       "enough",
       Real{&latency.rule.precision, 0, 1}},
      {"confidence", "confidence of those intervals",
       Real{&latency.rule.confidence, 0, 1, true, true}},
      {"budget_seconds", "time of a class or plan after which no further round begins",
       Real{&latency.rule.budget_seconds, 0, week_in_seconds}, "s"},
      {"each_member", "time every sub-graph instead of one for each structural class",
       Flag{&latency.each_member}},
  }};
}

Section describe(TargetSpec& target) {
  auto names = low_names();
  names.insert(names.begin(), "fp32");
  return {{
      {"mac_rates",
       "relative rate of multiply-accumulates by format; by default what latency.description "
       "publishes, else the high format's bits over those of the format's wider operand",
       NamedNumbers{&target.mac_rates, names, {nullptr, 0, 1000}}},
  }};
}

Section describe(SolveSpec& solve) {
  return {{
      {"loss_model",
       "how loss errors add up: to first order, with the bias that rounding puts on the loss of a "
       "well-fitted model, or with the one that anchors measured",
       choice(solve.loss_model, sensitivity::loss_models())},
      {"noise", "model of the rounding error that plans are made with",
       choice(solve.noise, sensitivity::noises())},
      {"gain",
       "what measured savings count when plans are chosen: the lower end of their interval (0 "
       "where "
       "it covers 0), or the median",
       choice(solve.gain)},
      {"constraints",
       "what plans may take at most beside the loss error: bytes of weights, mean bits a weight, "
       "bytes that a card holds, seconds of a run",
       NamedNumbers{&solve.constraints, gain::resources().names(), {nullptr, 0, most_amount}}},
      {"budgets",
       "amounts of a resource, such as mean bits a weight, within which the plan of least loss "
       "error "
       "is looked for",
       NamedGrids{&solve.budgets, gain::resources().names(), {nullptr, 0, most_amount}}},
      {"context", "tokens of each sequence whose keys and values card_bytes counts",
       count(solve.context, 1, most_context), "tokens"},
      {"sequences", "number of those sequences", count(solve.sequences)},
      {"objectives", "what plans gain", choice_list(solve.objectives, gain::objectives()), "",
       "[time, macs, memory]"},
      {"thresholds", "allowed root-mean-square loss errors relative to the root-mean-square loss",
       Grid{&solve.thresholds}, "", "{geometric: {from: 1.0e-4, to: 3.0e-2, count: 15}}"},
      {"strategies", "how plans are chosen", choice_list(solve.strategies, solve::strategies()), "",
       "[ip, prefix, random]"},
      {"seed", "seed of the random strategy; nothing is measured anew for another",
       count(solve.seed, 0, largest_exact_json_integer)},
      {"draws", "number of plans that the random strategy draws", count(solve.draws)},
      {"frontier", "also find the whole frontier of each objective", Flag{&solve.frontier}},
      {"resamples",
       "number of times that every program is solved again on calibration samples drawn with "
       "replacement, which shows how stable its plan is; a multiple of 10",
       count(solve.resamples, 0)},
      {"search_samples",
       "number of sequences after the evaluation ones that strategies measure plans on while they "
       "search",
       count(solve.search_samples, 0)},
      {"search_metric",
       "what thresholds bound of plans that strategies measure: the loss error, the mean "
       "divergence "
       "in nat, or the part that is lost of what is right (0.01 keeps 99 % of the accuracy) or as "
       "before",
       choice(solve.search_metric, sensitivity::metrics())},
      {"search_verify",
       "number of plans beyond the one that a search found which are measured, too: quality need "
       "not fall with every op",
       count(solve.search_verify, 0)},
  }};
}

/// fp32 is no format that anything is rounded to; only its name and size mean something.
format::Format high_format(const std::string& name) {
  if (name != "fp32") return format::by_name(name);
  const format::NumberFormat fp32{.name = "fp32",
                                  .grid = {.kind = format::Kind::floating,
                                           .exponent_bits = 8,
                                           .mantissa_bits = 23,
                                           .bias = 127,
                                           .max = std::numeric_limits<float>::max()},
                                  .bits = 32,
                                  .scale = format::ScaleRule::fixed};
  return {name, fp32, fp32};
}

}  // namespace

bool is_in_use(const Parts& parts, const std::string& number) {
  return std::any_of(parts.low.begin(), parts.low.end(), [&](const auto& name) {
    const auto [weight, activation] = format::composition(name);
    return weight == number || activation == number;
  });
}

PlanDraft::PlanDraft() {
  for (const auto& name : format::number_names()) {
    auto format = format::by_name(name);
    if (format.weight.scale != format::ScaleRule::fixed) parts_.scaled.push_back(std::move(format));
  }
  parts_.configuration_limit = static_cast<std::int64_t>(parts_.spec.partition.configuration_limit);
}

PlanDraft::PlanDraft(const Spec& spec) : PlanDraft() {
  parts_.spec = spec;
  parts_.configuration_limit = static_cast<std::int64_t>(spec.partition.configuration_limit);
  for (const auto& format : spec.formats.formats) {
    if (parts_.high.empty()) {
      parts_.high = format.name;
      continue;
    }
    parts_.low.push_back(format.name);
    for (auto& scaled : parts_.scaled) {
      if (scaled.name == format.weight.name) scaled.weight = format.weight;
      if (format.activation && scaled.name == format.activation->name)
        scaled.activation = format.activation;
    }
  }
}

Spec PlanDraft::assemble() const {
  Spec spec = parts_.spec;
  spec.partition.configuration_limit = static_cast<std::size_t>(parts_.configuration_limit);
  spec.formats.formats = {high_format(parts_.high)};
  for (const auto& name : parts_.low) {
    auto& format = spec.formats.formats.emplace_back(format::by_name(name));
    for (const auto& scaled : parts_.scaled) {
      if (scaled.name == format.weight.name) format.weight = scaled.weight;
      if (format.activation && scaled.name == format.activation->name)
        format.activation = scaled.activation;
    }
  }
  return spec;
}

Section PlanDraft::common() {
  return spec::describe(static_cast<Basics&>(parts_.spec));
}

Section PlanDraft::own() {
  Spec& spec = parts_.spec;
  return {{
      {"model", "the trained model", describe(spec.model)},
      {"calibration", "the data that sensitivities are measured on", describe(spec.calibration)},
      {"formats", "the number formats", describe_formats(parts_)},
      {"partition", "how ops form sub-graphs",
       describe(spec.partition, parts_.configuration_limit)},
      {"sensitivity", "how loss errors are predicted", describe(spec.sensitivity)},
      {"latency", "how times are measured", describe(spec.latency)},
      {"target", "what is known about the accelerator", describe(spec.target)},
      {"solve", "which plans are made", describe(spec.solve)},
      {"evaluate", "which plans are measured", describe(spec.evaluate)},
  }};
}

void PlanDraft::settle(const config::Written& written) {
  spec::settle(parts_, written);
}

void PlanDraft::check(const config::Written& written, config::Problems& problems) const {
  spec::check(parts_, written, problems);
}

std::vector<std::string> PlanDraft::rules() const {
  auto all = spec::rules();
  for (auto& statement : spec::settled()) all.push_back(std::move(statement));
  return all;
}

bool measures(const LatencySpec& latency) {
  return latency::sources().at(latency.source).is_measured;
}

double mac_rate(const Spec& spec, const format::Format& format, double published) {
  const auto own = spec.target.mac_rates.find(format.name);
  if (own != spec.target.mac_rates.end()) return own->second;
  if (published > 0) return published;
  const int high_bits =
      spec.formats.formats.empty() ? 16 : spec.formats.formats.front().weight.bits;
  const int widest =
      std::max(format.weight.bits, format.activation ? format.activation->bits : high_bits);
  return static_cast<double>(high_bits) / widest;
}

}  // namespace gainsweep::spec

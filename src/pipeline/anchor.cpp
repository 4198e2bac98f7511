#include "pipeline/anchor.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/compared.hpp"
#include "pipeline/duration.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/room.hpp"
#include "pipeline/score.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

// All of them where predictions show nothing and the mean change of the loss is only measured.
std::size_t num_anchors(const Subject& subject) {
  const auto asked = static_cast<std::size_t>(subject.spec.sensitivity.anchor_samples);
  const auto all = subject.calibration->ids.size();
  if (asked == 0 || subject.gives_class_scores) return std::min(asked, all);
  return all;
}

std::string name_of(std::size_t sample, const format::Format& format) {
  return "calibration sample " + std::to_string(sample) + " with every op in " + format.name;
}

const std::vector<std::string>& keys(Workbench& bench, const batch::Results& results) {
  return bench.anchor_keys.get(results, [&] {
    const auto& subject = *bench.subject;
    const auto maxima = observed_state(bench, results).digest;
    const auto* precision = spelling(evaluation_precision(subject.spec));
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < num_anchors(subject); ++i)
      keys.push_back(key::anchor(bench.computing, precision, bench.formats, maxima,
                                 subject.calibration->ids[i]));
    return keys;
  });
}

// Samples that were not scored are left out: they would fail again.
std::vector<std::size_t> anchored(Workbench& bench, const batch::Results& results) {
  const auto& scores = score_keys(bench, results);
  std::vector<std::size_t> samples;
  for (std::size_t i = 0; i < keys(bench, results).size(); ++i)
    if (!results.failure(scores[i])) samples.push_back(i);
  return samples;
}

// A sample in every format, the high one first.
std::vector<Rounding> roundings(const Layout& layout) {
  std::vector<Rounding> all;
  for (std::size_t f = 0; f < layout.formats.size(); ++f)
    all.push_back({graph::Assignment(layout.partition.ops.size(), FormatId{f})});
  return all;
}

sensitivity::AnchorRecord record_of(Workbench& bench, std::size_t index,
                                    std::span<const float> weights,
                                    std::span<const execute::Outcome> outcomes) {
  const auto& subject = *bench.subject;
  const auto name = [&](std::size_t format) {
    return name_of(index, subject.layout.formats[format]);
  };
  for (std::size_t f = 0; f < outcomes.size(); ++f)
    check_loss(outcomes[f], subject, bench.evaluating, name(f));
  const auto& high = outcomes[high_format.index];
  sensitivity::AnchorRecord record{high.loss};
  if (high.scores) record.confidence = execute::confidence(*high.scores, weights);
  for (std::size_t f = 1; f < outcomes.size(); ++f) {
    auto compared = compare(high, outcomes[f], weights, name(f));
    if (spec::has_no_first_order(subject.spec.model)) take_divergence(compared, high);
    record.shifts.push_back({compared.loss - high.loss, compared.departure});
  }
  return record;
}

constexpr std::string_view kin = "anchors ";

std::string kin_of(std::size_t sample) {
  const auto number = std::to_string(sample);
  return std::string(kin) + std::string(20 - number.size(), '0') + number;
}

// A sample and those of the units ahead that are run with it.
std::vector<std::size_t> together(std::size_t sample, std::span<const std::string_view> ahead) {
  std::vector<std::size_t> samples{sample};
  for (const auto& next : ahead)
    if (next.starts_with(kin) && samples.size() < most_anchors_together)
      samples.push_back(std::stoul(std::string(next.substr(kin.size()))));
  return samples;
}

void run(Workbench& bench, const lower::Maxima& maxima, std::vector<std::size_t> samples) {
  const auto& subject = *bench.subject;
  const Batch batch{subject.calibration.get(), std::move(samples), "anchors"};
  const auto take = [&](std::size_t index, const model::Sample& sample,
                        std::span<const execute::Outcome> outcomes) {
    auto& found = bench.anchored[index];
    try {
      found.record = record_of(bench, index, sample.weights, outcomes);
    } catch (const Error&) {
      found.failure = std::current_exception();  // of this unit alone
    }
  };
  bench.relay.run(batch, roundings(subject.layout), maxima, {}, anchor_room(subject), take);
}

sensitivity::AnchorRecord measure(Workbench& bench, const lower::Maxima& maxima, std::size_t sample,
                                  std::span<const std::string_view> ahead) {
  if (!bench.anchored.contains(sample)) {
    bench.anchored.clear();
    run(bench, maxima, together(sample, ahead));
  }
  const auto found = std::move(bench.anchored.extract(sample).mapped());
  if (found.failure) std::rethrow_exception(found.failure);
  return found.record;
}

batch::Call call(const Bench& bench, const batch::Results& results) {
  const auto observed = observed_state(*bench, results);
  batch::Call call;
  call.obstacles = observed.obstacles;
  call.is_forecast = observed.value == nullptr || !score_state(*bench, results).is_over;
  const auto maxima = std::make_shared<const lower::Maxima>(observed.value ? observed.value->maxima
                                                                           : lower::Maxima{});
  for (const auto sample : anchored(*bench, results)) {
    batch::Unit unit;
    unit.key = keys(*bench, results)[sample];
    unit.table = "anchors";
    unit.label = "anchors of sample " + std::to_string(sample);
    unit.order = sample;
    unit.kin = kin_of(sample);
    unit.work = [bench, maxima, sample](batch::Context& context) -> batch::Product {
      return to_fields(sample, measure(*bench, *maxima, sample, context.ahead));
    };
    call.units.push_back(std::move(unit));
  }
  if (!call.units.empty() &&
      std::all_of(call.units.begin(), call.units.end(),
                  [&](const auto& unit) { return results.failure(unit.key).has_value(); }))
    call.obstacles.push_back(
        "the loss model anchored counts as bias does: every anchor failed, so the mean change of "
        "the loss is not known.");
  return call;
}

}  // namespace

batch::Stage anchor(Bench bench) {
  batch::Stage stage{"anchor", {}, {}};
  stage.call = [bench](const batch::Results& results) { return call(bench, results); };
  stage.cost = [bench](std::span<const batch::Unit> units, std::size_t) {
    return anchor_seconds(*bench->subject, units.size());
  };
  stage.memory = [bench] {
    const auto& subject = *bench->subject;
    if (num_anchors(subject) == 0) return batch::Memory{};
    return batch::Memory{anchor_bytes(subject), checkpoint_bytes(subject),
                         "write sensitivity.anchor_samples: 0"};
  };
  stage.leave = [bench] {
    bench->anchored.clear();
    bench->relay.release();
    bench->evaluating.release();
  };
  return stage;
}

AnchorState anchor_state(Workbench& bench, const batch::Results& results) {
  AnchorState state;
  if (observed_state(bench, results).value == nullptr || !score_state(bench, results).is_over)
    return state;
  state.is_over = true;
  for (const auto sample : anchored(bench, results)) {
    const auto& key = keys(bench, results)[sample];
    state.is_over = state.is_over && results.is_over(key);
    if (results.find(key) != nullptr) state.keys.push_back(key);
  }
  return state;
}

batch::Fields to_fields(std::size_t sample, const sensitivity::AnchorRecord& anchors) {
  std::vector<double> changes, divergences, tilts;
  for (const auto& shift : anchors.shifts) {
    changes.push_back(shift.loss_change);
    divergences.push_back(shift.departure.divergence);
    tilts.push_back(shift.departure.tilt);
  }
  const archive::Axes low{{"low_format", anchors.shifts.size()}};
  batch::Fields fields{
      integers("sample", {static_cast<std::int64_t>(sample)}, {}, "1",
               "Index of the calibration sample"),
      reals("loss", {anchors.loss}, {}, "nat", "Mean cross entropy of the sample, all ops high"),
      reals("loss_change", changes, low, "nat", "What every op in the format adds to it")};
  if (!anchors.confidence) return fields;
  fields.push_back(reals("entropy", {anchors.confidence->entropy}, {}, "nat",
                         "Mean over targets of the entropy of the all-high prediction p"));
  fields.push_back(reals("spread", {anchors.confidence->spread}, {}, "nat^2",
                         "Mean over targets of the variance of log p under p"));
  fields.push_back(reals("divergence", divergences, low, "nat",
                         "Mean over targets of the divergence of the lowered prediction q from p"));
  fields.push_back(reals("tilt", tilts, low, "nat^2",
                         "Mean over targets of the covariance of log p and log p - log q under p"));
  return fields;
}

sensitivity::AnchorRecord to_anchors(const archive::Record& record, std::size_t num_low_formats) {
  sensitivity::AnchorRecord anchors{reals(record.fields, "loss").at(0)};
  const auto& changes = reals(record.fields, "loss_change");
  if (changes.size() != num_low_formats)
    throw Error(ErrorKind::input, "anchors of " + std::to_string(changes.size()) +
                                      " low formats where the spec has " +
                                      std::to_string(num_low_formats) +
                                      ". Use the spec that they were made with.");
  for (const double change : changes) anchors.shifts.push_back({change});
  if (!archive::has(record.fields, "entropy")) return anchors;
  anchors.confidence = {reals(record.fields, "entropy").at(0),
                        reals(record.fields, "spread").at(0)};
  for (std::size_t low = 0; low < num_low_formats; ++low)
    anchors.shifts[low].departure = {reals(record.fields, "divergence").at(low),
                                     reals(record.fields, "tilt").at(low)};
  return anchors;
}

}  // namespace gainsweep::pipeline

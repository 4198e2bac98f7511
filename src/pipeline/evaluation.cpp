#include "pipeline/evaluation.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <string_view>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/compared.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/room.hpp"
#include "pipeline/savings.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

// Places of an evaluation's rounds among the units of its table.
constexpr int bits_of_round = 32;

/// What is said of one evaluation sample.
struct Said : Compared {
  execute::Hits hits{};  ///< where there are class scores
  double noise = 0;      ///< likewise
};

execute::Hits hits_of(const execute::Outcome& high, const execute::Outcome& low,
                      const model::Sample& sample) {
  if (!high.scores || !low.scores) return {};
  const auto* targets = std::get_if<std::vector<std::int64_t>>(&sample.targets.values);
  return execute::hits(*high.scores, *low.scores,
                       targets == nullptr ? std::span<const std::int64_t>{} : *targets,
                       sample.weights);
}

// What an assignment makes of the samples of a chunk.
std::vector<Said> compare_all(Workbench& bench, const LossSet& set, const LossSet::Chunk& chunk,
                              const Rounding& rounding, const lower::Maxima& maxima,
                              std::span<const std::string_view> ahead) {
  const auto& subject = *bench.subject;
  Batch batch{set.samples.get(), std::vector<std::size_t>(chunk.size), chunk.digest};
  std::iota(batch.samples.begin(), batch.samples.end(), chunk.first);
  std::vector<Rounding> roundings{rounding};
  const graph::Assignment all_high(rounding.assignment.size());
  // Without class scores nothing is compared.
  if (subject.gives_class_scores && rounding.assignment != all_high)
    roundings.push_back({all_high, Scales::observed});
  std::vector<Said> all;
  const bool is_divergence = spec::has_no_first_order(subject.spec.model);
  const auto take = [&](std::size_t i, const model::Sample& sample,
                        std::span<const execute::Outcome> outcomes) {
    const auto name = "evaluation sample " + std::to_string(i);
    for (const auto& outcome : outcomes) check_loss(outcome, subject, bench.evaluating, name);
    const auto &high = outcomes.back(), &low = outcomes.front();
    auto compared = compare(high, low, sample.weights, name);
    if (is_divergence) take_divergence(compared, high);
    const double noise =
        high.scores && low.scores ? execute::noise(*high.scores, *low.scores, sample.weights) : 0;
    all.push_back({std::move(compared), hits_of(high, low, sample), noise});
  };
  bench.relay.run(batch, roundings, maxima, ahead, evaluation_room(subject), take);
  return all;
}

// What each sample says beside its loss; nothing where the model gives no class scores.
void add_predictions(batch::Fields& fields, const std::vector<Said>& samples) {
  if (samples.empty() || !samples.front().confidence) return;
  std::vector<double> entropies, spreads, divergences, tilts, noises, top1, top5, agreements;
  for (const auto& sample : samples) {
    entropies.push_back(sample.confidence->entropy);
    spreads.push_back(sample.confidence->spread);
    divergences.push_back(sample.departure.divergence);
    tilts.push_back(sample.departure.tilt);
    noises.push_back(sample.noise);
    agreements.push_back(sample.hits.agreement);
    if (!sample.hits.top1) continue;
    top1.push_back(*sample.hits.top1);
    top5.push_back(*sample.hits.top5);
  }
  const archive::Axes axis{{"sample", samples.size()}};
  fields.push_back(
      reals("entropy", entropies, axis, "nat", "Mean over targets of the entropy of predictions"));
  fields.push_back(reals("spread", spreads, axis, "nat^2",
                         "Mean over targets of the variance of log-probabilities"));
  fields.push_back(reals("divergence", divergences, axis, "nat",
                         "Mean over targets of the divergence of predictions q from all-high's p"));
  fields.push_back(reals("tilt", tilts, axis, "nat^2",
                         "Mean over targets of the covariance of log p and log p - log q under p"));
  fields.push_back(
      reals("noise", noises, axis, "1", "Σ (y' - y)² / Σ y² of class scores y' and all-high's y"));
  fields.push_back(reals("agreement", agreements, axis, "1",
                         "Part of the targets whose likeliest class is all-high's"));
  if (top1.size() != samples.size()) return;
  fields.push_back(
      reals("top1", top1, axis, "1", "Part of the targets that have the largest score"));
  fields.push_back(
      reals("top5", top5, axis, "1", "Part of the targets that are among the five largest"));
}

batch::Product evaluate(Workbench& bench, const LossSet& set, const LossSet::Chunk& chunk,
                        const Rounding& rounding, const lower::Maxima& maxima,
                        std::span<const std::string_view> ahead) {
  const auto& subject = *bench.subject;
  const auto& assignment = rounding.assignment;
  const auto samples = compare_all(bench, set, chunk, rounding, maxima, ahead);
  std::vector<double> losses;
  for (const auto& sample : samples) losses.push_back(sample.loss);
  batch::Fields fields{texts("assignment_key", {assignment_key(assignment, subject.layout.formats)},
                             {}, "Digest that joins plans and evaluations"),
                       integers("assignment", to_indices(assignment), {{"op", assignment.size()}},
                                "1", "Index of each op's format"),
                       reals("loss", losses, {{"sample", losses.size()}}, "nat",
                             "Mean cross entropy of each evaluation sample")};
  add_predictions(fields, samples);
  if (subject.spec.evaluate.chunk != 0)
    fields.push_back(integers("first_sample", {static_cast<std::int64_t>(chunk.first)}, {}, "1",
                              "Index of the row's first sample in its set"));
  return fields;
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

SharedMaxima observed_maxima(const Bench& bench, const batch::Results& results) {
  return std::make_shared<const lower::Maxima>(observed_state(*bench, results).value->maxima);
}

}  // namespace

std::vector<batch::Unit> loss_units(const Bench& bench, const batch::Results& results,
                                    const LossSet& set, const Evaluated& plan, std::size_t place,
                                    Scales scales) {
  const auto& subject = *bench->subject;
  const auto observed = observed_state(*bench, results);
  const auto maxima = observed_maxima(bench, results);
  const auto assignment = assignment_key(plan.assignment, subject.layout.formats);
  const auto* precision = spelling(evaluation_precision(subject.spec));
  std::vector<batch::Unit> units;
  for (const auto& chunk : set.chunks) {
    batch::Unit unit;
    const bool is_floor = scales == Scales::next;
    unit.table = is_floor ? floor_table : set.table;
    unit.nature = plan.nature;
    unit.label = "losses of plan " + shown(assignment);
    if (is_floor) unit.label += " at the next scales";
    if (set.chunks.size() > 1) unit.label += " from sample " + std::to_string(chunk.first);
    unit.order = place * set.chunks.size() + units.size();
    const auto key_of = is_floor ? key::floor : key::losses;
    unit.key = key_of(bench->computing, precision, bench->formats, observed.digest, chunk.digest,
                      assignment);
    const Rounding rounding{plan.assignment, scales};
    unit.kin = kin_of(chunk.digest, rounding);
    unit.work = [bench, &set, &chunk, maxima, rounding](batch::Context& context) {
      return evaluate(*bench, set, chunk, rounding, *maxima, context.ahead);
    };
    units.push_back(std::move(unit));
  }
  return units;
}

std::vector<std::size_t> floor_places(const Layout& layout, const sensitivity::LossErrors& errors,
                                      const std::vector<Evaluated>& plans) {
  std::vector<std::pair<double, std::size_t>> found;  // loss error, place
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured}) {
    for (std::size_t place = 0; place < plans.size(); ++place) {
      const auto& [assignment, own] = plans[place];
      double sum = 0;
      bool any = false;
      for (std::size_t op = 0; op < assignment.size(); ++op) {
        const auto format = assignment[op].index;
        sum += errors.d[op][format];
        any = any || (format > 0 && format::has_static_scale(layout.formats[format]));
      }
      if (own == nature && any) found.emplace_back(sum, place);
    }
    if (!found.empty()) break;
  }
  std::sort(found.begin(), found.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < std::min(found.size(), most_floors); ++i) {
    const auto last = std::min(found.size(), most_floors) - 1;
    places.push_back(found[last == 0 ? 0 : i * (found.size() - 1) / last].second);
  }
  std::sort(places.begin(), places.end());
  return places;
}

std::optional<sensitivity::Searched> gathered(const batch::Results& results,
                                              const std::vector<batch::Unit>& units) {
  sensitivity::Searched all;
  for (const auto& unit : units) {
    const auto* record = results.find(unit.key);
    if (record == nullptr) return std::nullopt;
    add(all, record->fields);
  }
  return all;
}

ContestTicket time_contest(const Bench& bench, const batch::Results& results, const Evaluated& plan,
                           std::size_t place) {
  const auto maxima = observed_maxima(bench, results);
  const auto key = assignment_key(plan.assignment, bench->subject->layout.formats);
  ContestTicket contest;
  contest.first.table = plan_times_table;
  contest.first.label = "times of plan " + shown(key);
  contest.first.nature = archive::Nature::measured;
  contest.first.order = static_cast<std::uint64_t>(place) << bits_of_round;
  contest.first.placement = batch::Placement::alone;
  contest.key = [bench, key](key::Round round) {
    return key::plan_times(bench->computing, bench->workload, bench->formats, bench->partition, key,
                           round);
  };
  contest.work = [bench, maxima, assignment = plan.assignment](std::int64_t round) {
    return times(*bench, assignment, *maxima, round);
  };
  return contest;
}

bool is_real(const Layout& layout, const graph::Assignment& assignment) {
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    const auto& real = layout.real_formats[i];
    if (std::find(real.begin(), real.end(), assignment[i]) == real.end()) return false;
  }
  return true;
}

}  // namespace gainsweep::pipeline

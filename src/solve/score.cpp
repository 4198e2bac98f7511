#include "solve/score.hpp"

#include <algorithm>
#include <boost/math/statistics/bivariate_statistics.hpp>
#include <boost/math/statistics/univariate_statistics.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace gainsweep::solve {
namespace {

/// A sample's part of a score.
using OfSample = double (*)(const Change& change, std::size_t sample);

double loss_of(const Change& change, std::size_t sample) {
  return change.loss[sample];
}

double divergence_of(const Change& change, std::size_t sample) {
  return change.divergence[sample];
}

/// Less the ratio in decibels: −∞ where nothing changes.
double noise_of(const Change& change, std::size_t sample) {
  return 10 * std::log10(change.noise[sample]);
}

/// The mean over every `step`-th sample from `first` on.
double mean(const Change& change, OfSample of_sample, std::size_t first, std::size_t step) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t sample = first; sample < change.loss.size(); sample += step, ++count)
    sum += of_sample(change, sample);
  return sum / static_cast<double>(count);
}

/// The mean of every second term from `first` on.
double mean_of(const std::vector<double>& terms, std::size_t first) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = first; i < terms.size(); i += 2, ++count) sum += terms[i];
  return sum / static_cast<double>(count);
}

std::size_t num_singles(const OpFormats& ops) {
  return singles(ops).size();
}

/// Calls `visit(pair, one, other)` for every two ops in each of their formats, in order; `one` and
/// `other` are places among singles.
template <class Visit>
void visit_pairs(const OpFormats& ops, const Visit& visit) {
  std::vector<std::size_t> first{0};
  for (const auto& formats : ops) first.push_back(first.back() + formats.size());
  for (std::size_t a = 0; a < ops.size(); ++a)
    for (std::size_t b = a + 1; b < ops.size(); ++b)
      for (std::size_t i = 0; i < ops[a].size(); ++i)
        for (std::size_t j = 0; j < ops[b].size(); ++j)
          visit(Interaction{a, i, b, j}, first[a] + i, first[b] + j);
}

/// Ranks, of equal numbers their mean.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    const double shared = 0.5 * static_cast<double>(first + end - 1);
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = shared;
  }
  return ranks;
}

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  using boost::math::statistics::covariance;
  const auto of_a = ranks(a), of_b = ranks(b);
  const double spread = covariance(of_a, of_a) * covariance(of_b, of_b);
  if (spread == 0) return std::numeric_limits<double>::quiet_NaN();
  return covariance(of_a, of_b) / std::sqrt(spread);
}

double lower(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::numeric_limits<double>::quiet_NaN() : std::min(a, b);
}

std::optional<Scored> of_singles(const Numbers& numbers, Asking& asking, OfSample of_sample,
                                 double least) {
  const auto changes = asking.changes(singles(numbers.ops));
  if (!changes) return std::nullopt;
  Scored scored;
  std::vector<double> even, odd;
  auto change = changes->begin();
  for (const auto& formats : numbers.ops) {
    auto& own = scored.scores.emplace_back();
    for (std::size_t f = 0; f < formats.size(); ++f, ++change) {
      own.push_back(std::max(mean(*change, of_sample, 0, 1), least));
      if (change->loss.size() < 2) continue;
      even.push_back(mean(*change, of_sample, 0, 2));
      odd.push_back(mean(*change, of_sample, 1, 2));
    }
  }
  scored.reliability = rank_correlation(even, odd);
  return scored;
}

std::optional<Scored> first_order(const Numbers& numbers, Asking&) {
  Scored scored;
  for (const auto& formats : numbers.ops) {
    auto& own = scored.scores.emplace_back();
    for (const auto& low : formats) own.push_back(low.cost.front());
  }
  return scored;
}

constexpr double least_standard_errors = 2;

/// By sample, what a pair adds to the loss beyond both of its ops.
std::vector<double> beyond(const Change& both, const Change& one, const Change& other) {
  std::vector<double> terms;
  for (std::size_t i = 0; i < both.loss.size(); ++i)
    terms.push_back(both.loss[i] - one.loss[i] - other.loss[i]);
  return terms;
}

/// The mean where it can be told from 0, else 0.
double told(const std::vector<double>& terms) {
  namespace statistics = boost::math::statistics;
  const double mean = statistics::mean(terms);
  if (terms.size() < 2) return mean;
  const double error =
      std::sqrt(statistics::sample_variance(terms) / static_cast<double>(terms.size()));
  return std::abs(mean) < least_standard_errors * error ? 0 : mean;
}

std::optional<Scored> pair_loss(const Numbers& numbers, Asking& asking) {
  auto scored = of_singles(numbers, asking, loss_of, -std::numeric_limits<double>::infinity());
  const auto alone = asking.changes(singles(numbers.ops));
  const auto together = asking.changes(pairs(numbers.ops));
  if (!scored || !alone || !together) return std::nullopt;
  std::vector<double> even, odd;
  auto both = together->begin();
  visit_pairs(numbers.ops, [&](const Interaction& pair, std::size_t one, std::size_t other) {
    const auto terms = beyond(*both++, (*alone)[one], (*alone)[other]);
    even.push_back(mean_of(terms, 0));
    odd.push_back(mean_of(terms, 1));
    const double score = told(terms);
    if (score == 0) return;
    scored->interactions.push_back(pair);
    scored->interactions.back().score = score;
  });
  scored->reliability = lower(*scored->reliability, rank_correlation(even, odd));
  return scored;
}

Score measured(std::string name, std::string help, OfSample of_sample, double least) {
  return {std::move(name), std::move(help),
          [of_sample, least](const Numbers& numbers, Asking& asking) {
            return of_singles(numbers, asking, of_sample, least);
          },
          num_singles};
}

}  // namespace

const Table<Score>& scores() {
  constexpr double any = -std::numeric_limits<double>::infinity();
  static const Table<Score> table{
      {"first_order", "loss errors", first_order, [](const OpFormats&) { return std::size_t{0}; }},
      measured("single_loss", "what each op alone adds to the mean loss", loss_of, 0),
      {"pair_loss", "what ops and pairs of ops add to the mean loss", pair_loss,
       [](const OpFormats& ops) { return num_singles(ops) + pairs(ops).size(); }},
      measured("single_kl", "the divergence that each op alone causes", divergence_of, 0),
      measured("sqnr", "the noise that each op alone makes in class scores", noise_of, any)};
  return table;
}

std::vector<Formats> singles(const OpFormats& ops) {
  std::vector<Formats> plans;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (const auto& low : ops[op]) {
      plans.emplace_back(ops.size(), 0);
      plans.back()[op] = low.format;
    }
  return plans;
}

std::vector<Formats> pairs(const OpFormats& ops) {
  std::vector<Formats> plans;
  visit_pairs(ops, [&](const Interaction& pair, std::size_t, std::size_t) {
    plans.emplace_back(ops.size(), 0);
    plans.back()[pair.op] = ops[pair.op][pair.place].format;
    plans.back()[pair.other] = ops[pair.other][pair.other_place].format;
  });
  return plans;
}

}  // namespace gainsweep::solve

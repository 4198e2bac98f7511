#include "solve/score.hpp"

#include <algorithm>
#include <boost/math/statistics/bivariate_statistics.hpp>
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

Score measured(std::string name, std::string help, OfSample of_sample, double least) {
  return {std::move(name), std::move(help),
          [of_sample, least](const Numbers& numbers, Asking& asking) {
            return of_singles(numbers, asking, of_sample, least);
          },
          /*measures_singles=*/true};
}

}  // namespace

const Table<Score>& scores() {
  constexpr double any = -std::numeric_limits<double>::infinity();
  static const Table<Score> table{
      {"first_order", "loss errors", first_order},
      measured("single_loss", "what each op alone adds to the mean loss", loss_of, 0),
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

}  // namespace gainsweep::solve

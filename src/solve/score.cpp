#include "solve/score.hpp"

#include <algorithm>
#include <boost/math/statistics/bivariate_statistics.hpp>
#include <boost/math/statistics/univariate_statistics.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::solve {
namespace {

using Terms = std::vector<double>;

/// By sample, the parts whose mean is a plan's score.
using OfPlan = Terms (*)(const Change& change);

Terms losses(const Change& change) {
  return change.loss;
}

/// What models give that have class scores.
const Terms& known(const Terms& terms, const Change& change) {
  if (terms.size() == change.loss.size()) return terms;
  throw Error(ErrorKind::config,
              "a strategy scores by predictions, and the model gives no class scores. Use "
              "strategies that score by losses: ip_measured, single_loss, clado.");
}

Terms divergences(const Change& change) {
  return known(change.divergence, change);
}

/// Less the ratios in decibels: −∞ where nothing changes.
Terms noises(const Change& change) {
  Terms terms;
  for (const double noise : known(change.noise, change)) terms.push_back(10 * std::log10(noise));
  return terms;
}

/// The mean of every `step`-th term from `first` on.
double mean(const Terms& terms, std::size_t first = 0, std::size_t step = 1) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = first; i < terms.size(); i += step, ++count) sum += terms[i];
  return sum / static_cast<double>(count);
}

/// Scores on even and on odd samples.
struct Halves {
  std::vector<double> even, odd;

  void add(const Terms& terms) {
    if (terms.size() < 2) return;
    even.push_back(mean(terms, 0, 2));
    odd.push_back(mean(terms, 1, 2));
  }
};

std::size_t num_singles(const OpFormats& ops) {
  std::size_t count = 0;
  for (const auto& formats : ops) count += formats.size();
  return count;
}

/// With all pairs; these may be too many to write down.
std::size_t num_singles_and_pairs(const OpFormats& ops) {
  std::size_t before = 0, pairs = 0;
  for (const auto& formats : ops) {
    pairs += before * formats.size();
    before += formats.size();
  }
  return before + pairs;
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

/// Spearman's; NaN where halves do not differ.
double reliability(const Halves& halves) {
  using boost::math::statistics::covariance;
  if (halves.even.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto even = ranks(halves.even), odd = ranks(halves.odd);
  const double spread = covariance(even, even) * covariance(odd, odd);
  if (spread == 0) return std::numeric_limits<double>::quiet_NaN();
  return covariance(even, odd) / std::sqrt(spread);
}

double lower(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? std::numeric_limits<double>::quiet_NaN() : std::min(a, b);
}

Scored of_singles(const OpFormats& ops, const std::vector<Change>& changes, OfPlan of_plan,
                  double least) {
  Scored scored;
  Halves halves;
  auto change = changes.begin();
  for (const auto& formats : ops) {
    auto& own = scored.scores.emplace_back();
    for (std::size_t f = 0; f < formats.size(); ++f) {
      const auto terms = of_plan(*change++);
      own.push_back(std::max(mean(terms), least));
      halves.add(terms);
    }
  }
  scored.reliability = reliability(halves);
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
Terms beyond(const Change& both, const Change& one, const Change& other) {
  Terms terms;
  for (std::size_t i = 0; i < both.loss.size(); ++i)
    terms.push_back(both.loss[i] - one.loss[i] - other.loss[i]);
  return terms;
}

/// The mean where it can be told from 0, else 0.
double told(const Terms& terms) {
  if (terms.size() < 2) return mean(terms);
  const double variance = boost::math::statistics::sample_variance(terms);
  const double error = std::sqrt(variance / static_cast<double>(terms.size()));
  return std::abs(mean(terms)) < least_standard_errors * error ? 0 : mean(terms);
}

std::optional<Scored> pair_loss(const Numbers& numbers, Asking& asking) {
  const auto alone = asking.changes(singles(numbers.ops));
  const auto together = asking.changes(pairs(numbers.ops));
  if (!alone || !together) return std::nullopt;
  auto scored = of_singles(numbers.ops, *alone, losses, -std::numeric_limits<double>::infinity());
  Halves halves;
  auto both = together->begin();
  visit_pairs(numbers.ops, [&](const Interaction& pair, std::size_t one, std::size_t other) {
    const auto terms = beyond(*both++, (*alone)[one], (*alone)[other]);
    halves.add(terms);
    const double score = told(terms);
    if (score == 0) return;
    scored.interactions.push_back(pair);
    scored.interactions.back().score = score;
  });
  scored.reliability = lower(*scored.reliability, reliability(halves));
  return scored;
}

Score measured(std::string name, std::string help, OfPlan of_plan, double least) {
  return {std::move(name), std::move(help),
          [of_plan, least](const Numbers& numbers, Asking& asking) -> std::optional<Scored> {
            const auto changes = asking.changes(singles(numbers.ops));
            if (!changes) return std::nullopt;
            return of_singles(numbers.ops, *changes, of_plan, least);
          },
          num_singles};
}

}  // namespace

const Table<Score>& scores() {
  constexpr double any = -std::numeric_limits<double>::infinity();
  static const Table<Score> table{
      {"first_order", "loss errors", first_order, [](const OpFormats&) { return std::size_t{0}; }},
      measured("single_loss", "what each op alone adds to the mean loss", losses, 0),
      {"pair_loss", "what ops and pairs of ops add to the mean loss", pair_loss,
       num_singles_and_pairs},
      measured("single_kl", "the divergence that each op alone causes", divergences, 0),
      measured("sqnr", "the noise that each op alone makes in class scores", noises, any)};
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

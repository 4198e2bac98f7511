#include "latency/timings.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <numeric>

#include "base/error.hpp"

namespace gainsweep::latency {

Interval median_interval(std::vector<double> values, double confidence) {
  if (values.empty()) throw Error(ErrorKind::internal, "the median of no values was asked for");
  std::sort(values.begin(), values.end());
  const std::size_t count = values.size();
  const double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
  // The number of values below the true median is binomial(count, 1/2): the k-th smallest and the
  // k-th largest enclose it with probability 1 - 2·P(fewer than k below).
  const boost::math::binomial_distribution<> below(static_cast<double>(count), 0.5);
  const double tail = (1 - confidence) / 2;
  std::size_t k = 0;
  while (2 * (k + 1) <= count && boost::math::cdf(below, static_cast<double>(k)) <= tail) ++k;
  const std::size_t first = k == 0 ? 0 : k - 1;
  return {median, values[first], values[count - 1 - first]};
}

namespace {

std::vector<double> own_all_high_seconds(const Timings& timings) {
  std::vector<double> seconds;
  for (const auto& block : timings.seconds) seconds.push_back(block.front());
  return seconds;
}

std::vector<double> gains_over(const Timings& timings, std::size_t configuration,
                               const std::vector<double>& whole) {
  std::vector<double> gains;
  gains.reserve(whole.size());
  for (std::size_t b = 0; b < whole.size(); ++b) {
    const auto& block = timings.seconds[b];
    gains.push_back((block[0] - block.at(configuration)) / whole[b]);
  }
  return gains;
}

}  // namespace

std::vector<double> all_high_seconds(const Timings& timings) {
  return timings.whole.empty() ? own_all_high_seconds(timings) : timings.whole;
}

std::vector<double> relative_gains(const Timings& timings, std::size_t configuration) {
  return gains_over(timings, configuration, all_high_seconds(timings));
}

double widest_interval(const Timings& timings, double confidence) {
  if (timings.seconds.empty()) return 0;
  const auto own = own_all_high_seconds(timings);
  double widest = 0;
  for (std::size_t i = 1; i < timings.seconds.front().size(); ++i) {
    const auto interval = median_interval(gains_over(timings, i, own), confidence);
    widest = std::max(widest, interval.high - interval.low);
  }
  return widest;
}

double spent_seconds(const Timings& timings) {
  double spent = std::accumulate(timings.pieces.begin(), timings.pieces.end(), 0.0);
  for (const auto& block : timings.seconds)
    spent += std::accumulate(block.begin(), block.end(), 0.0);
  return spent;
}

Timings concatenate(const std::vector<Timings>& rounds) {
  Timings all;
  for (const auto& round : rounds) {
    all.seconds.insert(all.seconds.end(), round.seconds.begin(), round.seconds.end());
    all.order.insert(all.order.end(), round.order.begin(), round.order.end());
    all.warmup.insert(all.warmup.end(), round.warmup.begin(), round.warmup.end());
    all.whole.insert(all.whole.end(), round.whole.begin(), round.whole.end());
    all.pieces.insert(all.pieces.end(), round.pieces.begin(), round.pieces.end());
    all.cards.insert(all.cards.end(), round.cards.begin(), round.cards.end());
  }
  return all;
}

}  // namespace gainsweep::latency

#include "latency/timings.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>

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

std::vector<double> paired_gains(const Timings& timings, std::size_t configuration) {
  std::vector<double> gains;
  gains.reserve(timings.seconds.size());
  for (const auto& block : timings.seconds) gains.push_back(block[0] - block.at(configuration));
  return gains;
}

Timings concatenate(const std::vector<Timings>& rounds) {
  Timings all;
  for (const auto& round : rounds) {
    all.seconds.insert(all.seconds.end(), round.seconds.begin(), round.seconds.end());
    all.order.insert(all.order.end(), round.order.begin(), round.order.end());
    all.warmup.insert(all.warmup.end(), round.warmup.begin(), round.warmup.end());
  }
  return all;
}

}  // namespace gainsweep::latency

#include "latency/resample.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <numeric>

namespace gainsweep::latency {
namespace {

using Counts = std::vector<std::uint32_t>;  // how often each block was drawn

std::vector<Counts> draw(std::size_t blocks, std::size_t count, std::uint64_t seed) {
  boost::random::mt19937_64 random(seed);
  boost::random::uniform_int_distribution<std::size_t> place(0, blocks - 1);
  std::vector<Counts> drawn(count, Counts(blocks));
  for (auto& counts : drawn)
    for (std::size_t i = 0; i < blocks; ++i) ++counts[place(random)];
  return drawn;
}

std::vector<std::size_t> rising(const std::vector<double>& values) {
  std::vector<std::size_t> places(values.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return places;
}

// The value of a rank among the drawn ones, and the next rank's: their mean is the median.
double median(const std::vector<double>& values, const std::vector<std::size_t>& rising,
              const Counts& counts) {
  const std::size_t total = values.size();
  const std::size_t lower = (total - 1) / 2, upper = total / 2;
  std::size_t seen = 0;
  double sum = 0;
  for (const auto place : rising) {
    const std::size_t before = seen;
    seen += counts[place];
    if (before <= lower && lower < seen) sum += values[place];
    if (before <= upper && upper < seen) return (sum + values[place]) / 2;
  }
  return sum;  // not reached: the counts add up to the number of values
}

}  // namespace

std::vector<std::vector<double>> resampled_medians(const std::vector<std::vector<double>>& gains,
                                                   std::size_t count, std::uint64_t seed) {
  std::vector<std::vector<double>> medians(gains.size(), std::vector<double>(count));
  if (gains.empty() || gains.front().empty()) return medians;
  const auto drawn = draw(gains.front().size(), count, seed);
  for (std::size_t c = 0; c < gains.size(); ++c) {
    const auto places = rising(gains[c]);
    for (std::size_t r = 0; r < count; ++r) medians[c][r] = median(gains[c], places, drawn[r]);
  }
  return medians;
}

}  // namespace gainsweep::latency

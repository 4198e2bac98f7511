#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gainsweep::latency {

/// Raw times of one round: every block times each configuration once, in an order of its own; the
/// all-high configuration is configuration 0 of every block.
struct Timings {
  std::vector<std::vector<double>> seconds;      ///< [block][configuration]
  std::vector<std::vector<std::int64_t>> order;  ///< [block][place] = configuration timed there
  std::vector<double> warmup;  ///< baseline seconds before the first block, in order
};

/// The difference of two configurations' times over paired blocks.
struct Interval {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Median of values with the distribution-free interval of order statistics at a confidence (exact
/// binomial). With too few values for the confidence the interval is the range.
Interval median_interval(std::vector<double> values, double confidence);

/// Per block, seconds saved against configuration 0: `seconds[b][0] − seconds[b][configuration]`.
std::vector<double> paired_gains(const Timings& timings, std::size_t configuration);

/// Rounds of one unit appended in order.
Timings concatenate(const std::vector<Timings>& rounds);

}  // namespace gainsweep::latency

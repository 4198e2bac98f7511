#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "execute/card_state.hpp"

namespace gainsweep::latency {

/// How the card was doing around a block.
struct AroundBlock {
  execute::CardState before;
  execute::CardState after;

  bool is_held_back() const { return !before.held_back_by.empty() || !after.held_back_by.empty(); }
};

/// Raw times of one round: every block times each configuration once, in an order of its own; the
/// all-high configuration is configuration 0 of every block.
struct Timings {
  std::vector<std::vector<double>> seconds;  ///< [block][configuration]
  /// [block][place] = configuration timed there; their number stands for the whole model.
  std::vector<std::vector<std::int64_t>> order;
  std::vector<double> warmup;  ///< baseline seconds before the first block, in order
  /// Seconds of the whole all-high model in each block where configurations are a part of it; empty
  /// where configuration 0 is the whole model.
  std::vector<double> whole = {};
  /// Seconds that timing the pieces which the whole is a sum of took in each block.
  std::vector<double> pieces = {};
  /// One a block; empty for a device of which nobody tells.
  std::vector<AroundBlock> cards = {};
};

/// A median with what encloses it.
struct Interval {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Median of values with the distribution-free interval of order statistics at a confidence (exact
/// binomial). With too few values for the confidence the interval is the range.
Interval median_interval(std::vector<double> values, double confidence);

/// Seconds of the whole all-high model by block.
std::vector<double> all_high_seconds(const Timings& timings);

/// Per block, the part of the whole all-high run that a configuration saves:
/// `(seconds[b][0] − seconds[b][configuration]) / all_high_seconds[b]`. Whatever makes a machine
/// slower for as long as a block lasts cancels.
std::vector<double> relative_gains(const Timings& timings, std::size_t configuration);

/// Width of the widest interval of what a configuration saves of the contest's own all-high run, at
/// a confidence; 0 with nothing beside it.
double widest_interval(const Timings& timings, double confidence);

/// Seconds that the blocks took.
double spent_seconds(const Timings& timings);

/// Rounds of one unit appended in order.
Timings concatenate(const std::vector<Timings>& rounds);

}  // namespace gainsweep::latency

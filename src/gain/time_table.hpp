#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gain/counting.hpp"
#include "graph/partition.hpp"
#include "latency/timings.hpp"

namespace gainsweep::gain {

/// Gains in time are whole parts of this many of an all-high run.
inline constexpr double time_parts = 1e9;

/// What something saves as a part of an all-high run, with its interval; negative where it costs.
struct Saving {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// What a saving counts: its median, or the lower end of its interval, which is 0 where the
/// interval covers 0. A configuration that costs for certain counts its lower end too: what it may
/// cost.
double counted(const Saving& saving, Counting counting);

/// Medians over resampled blocks, by [configuration][resample].
using Resampled = std::vector<std::vector<double>>;

/// Times of one sub-graph, whoever made them.
struct TimeTable {
  std::vector<graph::Configuration> configurations;  ///< all-high first
  std::vector<Saving> savings;  ///< of all members, by configuration; 0 for all-high
  double reference = 0;         ///< seconds of the all-high run that savings are parts of
  std::size_t members = 1;      ///< sub-graphs lowered together, among which a saving is divided
  std::string source = "measured";  ///< a row of latency::sources
  /// Of the savings, over resampled blocks; shared by the sub-graphs that were timed together. Of
  /// times that are not measured: in each case that all tables have in common. Null without either.
  std::shared_ptr<const Resampled> resampled = nullptr;
};

/// Times of a whole model by sub-graph. One without times has the all-high configuration alone.
using Times = std::vector<TimeTable>;

/// A table of measured times: medians of the relative gains of blocks with their interval at a
/// confidence, the median all-high time as reference. Resampled blocks follow from the seed.
TimeTable measured(std::vector<graph::Configuration> configurations,
                   const latency::Timings& timings, std::size_t members, double confidence,
                   std::uint64_t seed);

/// A table of seconds that are known in several cases: what a configuration saves in each of them
/// as a part of the case's all-high run, and the weighted mean of these as its median. `seconds` is
/// [configuration][case], `runs` and `weights` are by case.
TimeTable stated(std::vector<graph::Configuration> configurations,
                 const std::vector<std::vector<double>>& seconds, const std::vector<double>& runs,
                 const std::vector<double>& weights, std::string source);

/// What a member gains in whole parts (see time_parts), divided among the members before they are
/// rounded.
std::vector<std::int64_t> gains(const TimeTable& table, Counting counting);

/// The least all-high time of all tables in seconds: what parts are turned into seconds with. 0
/// where nothing was timed.
double quietest_baseline(const Times& times);

/// What an assignment saves: the sum of its configurations' medians, whatever plans count. The
/// interval at a confidence is over resampled blocks; sub-graphs that were timed together draw the
/// same. That of times which are not measured goes from the least to the most of their cases; of
/// times without either it adds up the intervals' ends.
/// None where one of its configurations has no time.
std::optional<Saving> saving(const Times& times, const graph::Partition& partition,
                             const graph::Assignment& assignment, double confidence);

}  // namespace gainsweep::gain

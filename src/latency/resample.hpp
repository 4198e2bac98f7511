#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gainsweep::latency {

/// Medians of what configurations save, by [configuration][resample]: blocks are drawn with
/// replacement `count` times, the same blocks for all configurations, as they were measured
/// together. `gains` is [configuration][block]; equal seeds and numbers of blocks draw equal
/// blocks.
std::vector<std::vector<double>> resampled_medians(const std::vector<std::vector<double>>& gains,
                                                   std::size_t count, std::uint64_t seed);

}  // namespace gainsweep::latency

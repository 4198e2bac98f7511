#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "execute/precision.hpp"
#include "graph/segments.hpp"

/// How a scoring pass fits into memory.
namespace gainsweep::execute {

/// A probed graph in stretches: joined segments. All but the last are run without gradients first;
/// then, from the last to the first, each is run with gradients and backward. One stretch is the
/// whole pass at once.
struct Stretches {
  std::vector<graph::Segment> pieces{};
  std::int64_t bytes = 0;  ///< most at once in a pass, beyond parameters
};

/// No limit.
inline constexpr std::int64_t any_bytes = std::numeric_limits<std::int64_t>::max();

/// The stretches that run the fewest calls twice within `budget` bytes; those that take the least
/// where none fit.
Stretches stretches(const graph::Graph& probed, Precision precision,
                    std::int64_t budget = any_bytes);

/// Segments that follow each other as one.
graph::Segment joined(const graph::Graph& graph, const std::vector<graph::Segment>& segments);

}  // namespace gainsweep::execute

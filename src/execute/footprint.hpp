#pragma once

#include <cstdint>

#include "execute/precision.hpp"
#include "graph/segments.hpp"

/// What scoring takes of memory, from a probed graph alone.
namespace gainsweep::execute {

/// Bytes of a piece of a graph beyond its parameters, its constants and the value that enters it.
struct Footprint {
  std::int64_t forward = 0;  ///< most at once, forward without gradients
  std::int64_t scored = 0;   ///< most at once, forward and backward
  std::int64_t leaves = 0;   ///< the value that it hands on
};

Footprint footprint(const graph::Graph& probed, const graph::Segment& piece, Precision precision);

}  // namespace gainsweep::execute

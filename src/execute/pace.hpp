#pragma once

#include <vector>

#include "execute/program.hpp"
#include "format/format.hpp"
#include "graph/partition.hpp"
#include "graph/segments.hpp"

/// How long pieces of graphs take here, on numbers that stand for those of samples.
namespace gainsweep::execute {

/// Seconds of a piece.
struct Pace {
  double once = 0;  ///< to convert, round, pack or look at its weights
  double run = 0;   ///< the fastest of a few passes
};

/// Of a forward pass of a graph whose inputs may be any numbers. `parameters` should know none of
/// its weights yet.
Pace forward_pace(graph::Graph graph, Parameters& parameters);

/// Of an Interlude of so many bytes, without what a piece reads next.
Pace interlude_pace(const Device& device, std::size_t bytes);

/// Of a pass forward and backward through a segment of a probed graph; `maxima` as a Prober's.
Pace scored_pace(const graph::Graph& probed, const graph::Segment& segment,
                 const std::vector<graph::Op>& ops, const std::vector<format::Format>& low_formats,
                 std::vector<std::vector<float>> maxima, Parameters& parameters);

}  // namespace gainsweep::execute

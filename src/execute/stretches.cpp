#include "execute/stretches.hpp"

#include <algorithm>
#include <set>

#include "execute/footprint.hpp"

namespace gainsweep::execute {
namespace {

using graph::Segment;

/// The values of `order` that any segment names.
std::vector<graph::ValueId> in_order(const std::vector<graph::ValueId>& order,
                                     const std::vector<Segment>& segments,
                                     std::vector<graph::ValueId> Segment::*member) {
  std::vector<graph::ValueId> found;
  for (const auto value : order)
    if (std::any_of(segments.begin(), segments.end(), [&](const Segment& segment) {
          const auto& values = segment.*member;
          return std::find(values.begin(), values.end(), value) != values.end();
        }))
      found.push_back(value);
  return found;
}

/// Segments before `first` one by one, the others at once: what is run again are the former.
Stretches split_at(const graph::Graph& probed, Precision precision,
                   const std::vector<Segment>& segments, const std::vector<Footprint>& footprints,
                   std::size_t first) {
  const auto begin = segments.begin();
  const auto middle = begin + static_cast<std::ptrdiff_t>(first);
  Stretches found;
  found.pieces.assign(begin, middle);
  found.pieces.push_back(joined(probed, {middle, segments.end()}));
  std::int64_t handed_on = 0;
  for (std::size_t i = 0; i < first; ++i) {
    // With the gradient of what it hands on.
    const auto& own = footprints[i];
    found.bytes = std::max(found.bytes, handed_on + std::max(own.forward, own.scored + own.leaves));
    handed_on += own.leaves;
  }
  const auto last = footprint(probed, found.pieces.back(), precision);
  found.bytes = std::max(found.bytes, handed_on + last.scored);
  return found;
}

}  // namespace

Segment joined(const graph::Graph& graph, const std::vector<Segment>& segments) {
  Segment whole{.enters = segments.front().enters, .leaves = segments.back().leaves};
  std::set<graph::NodeId> nodes;
  for (const auto& segment : segments) nodes.insert(segment.nodes.begin(), segment.nodes.end());
  whole.nodes.assign(nodes.begin(), nodes.end());
  whole.inputs = in_order(graph.inputs, segments, &Segment::inputs);
  whole.outputs = in_order(graph.outputs, segments, &Segment::outputs);
  return whole;
}

Stretches stretches(const graph::Graph& probed, Precision precision, std::int64_t budget) {
  const auto segments = graph::segments(probed);
  std::vector<Footprint> footprints;
  for (const auto& segment : segments) footprints.push_back(footprint(probed, segment, precision));
  Stretches least;
  for (std::size_t first = 0; first < segments.size(); ++first) {
    auto found = split_at(probed, precision, segments, footprints, first);
    if (found.bytes <= budget) return found;
    if (first == 0 || found.bytes < least.bytes) least = std::move(found);
  }
  return least;
}

}  // namespace gainsweep::execute

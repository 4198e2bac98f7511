#pragma once

#include <optional>
#include <vector>

#include "graph/graph.hpp"

/// A graph as pieces that run one after the other, with a single value handed on between two.
namespace gainsweep::graph {

/// A piece of a graph. Values and nodes are the whole graph's.
struct Segment {
  /// In topological order. Nodes that depend on no input (masks, tables, rounded weights) are part
  /// of every segment that needs what they make.
  std::vector<NodeId> nodes{};
  std::optional<ValueId> enters{};  ///< made by the segment before; none for the first
  std::vector<ValueId> inputs{};    ///< of the graph, those that it reads, in the graph's order
  std::optional<ValueId> leaves{};  ///< for the segment after; none for the last
  std::vector<ValueId> outputs{};   ///< of the graph, those that it makes, in the graph's order
};

/// A graph cut at its articulation values: where one intermediate value alone that depends on an
/// input is read further on. A piece that reads no weight (a parameter of two dimensions or more,
/// or what is computed from one) belongs to the piece after it, the last ones to the one before: a
/// decoder gives its embedding, each half of a block up to its residual, and the head with all
/// outputs. Outputs of the graph that depend on no node of a segment are the last one's. Segments
/// follow from the graph alone; those of a graph without such a value are one.
std::vector<Segment> segments(const Graph& graph);

/// A segment as a graph of its own. Inputs are the value that enters, then the segment's inputs;
/// outputs the value that leaves, then the segment's outputs. Names are as in `extract` of ops. Run
/// one after the other, segments give the bits of the whole graph.
Graph extract(const Graph& graph, const Segment& segment);

}  // namespace gainsweep::graph

#pragma once

#include <vector>

#include "graph/partition.hpp"
#include "lower/pass.hpp"

namespace gainsweep::lower {

/// A graph in which each fused group is one op.
struct Fused {
  graph::Graph graph;
  /// Of that graph, with the sub-graphs and classes of the other, and no group left.
  graph::Partition partition;
  std::vector<std::vector<OpId>> parts;  ///< by op, those of the other graph that it computes
};

/// The graph with each fused group of its partition as one linear layer over the weights and
/// biases (zeros for a layer that has none where others do) of the group, one after the other in
/// the order of its ops, with their outputs as slices of its own. What weights are computed from
/// comes before the first op of the group.
Fused fuse(const graph::Graph& graph, const graph::Partition& partition);

/// An assignment of the ops before. Error(internal) where ops of a group differ in their formats.
graph::Assignment fused(const graph::Assignment& assignment, const Fused& fused);

/// Maxima of the ops before: those of a group's weight are the largest of its weights. None where
/// there are none.
Maxima fused(const Maxima& maxima, const Fused& fused);

/// Raises the maxima of weights to the largest of their fused group: what is one weight has one
/// scale where its elements share one.
void join_weights(Maxima& maxima, const graph::Partition& partition);

}  // namespace gainsweep::lower

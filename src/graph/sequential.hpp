#pragma once

#include <vector>

#include "graph/flow.hpp"
#include "graph/graph.hpp"

namespace gainsweep::graph {

/// Positions of ops, in IR order.
using OpGroup = std::vector<std::size_t>;

/// The groups of a disjoint-set labelling (equal labels, one group), in the order of their first
/// ops.
std::vector<OpGroup> groups_of(const std::vector<std::size_t>& labels);

/// The sequential sub-graphs (docs/method.md, "Sub-graphs"): components of the incomparability
/// relation over the ops that are not `late`, each of several ops with the ops that join it; a late
/// op goes to the group of its first consumer, or is a group of its own where no op consumes it.
std::vector<OpGroup> sequential_groups(const Graph& graph, const std::vector<Op>& ops,
                                       const OpSet& late);

}  // namespace gainsweep::graph

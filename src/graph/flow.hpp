#pragma once

#include <boost/dynamic_bitset.hpp>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::graph {

using OpSet = boost::dynamic_bitset<>;

/// Where the data of a graph comes from, in terms of its quantizable ops.
struct Flow {
  std::vector<OpSet> ancestors;  ///< by op: all ops that data flows from into it
  std::vector<OpSet> nearest;    ///< by value: the last ops on the paths that lead to it
};

/// Traces the flow between ops. Ops marked in `left_out` are passed through like any other node.
Flow trace_flow(const Graph& graph, const std::vector<Op>& ops, const OpSet& left_out);

}  // namespace gainsweep::graph

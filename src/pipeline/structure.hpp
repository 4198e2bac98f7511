#pragma once

#include <string>
#include <vector>

#include "archive/table.hpp"
#include "graph/partition.hpp"

namespace gainsweep::pipeline {

/// What a sub-graph is, not where it stands: its ops in order with their sizes, each followed by
/// what it reads (letters for values from outside, numbers for earlier ops of the sub-graph that
/// they come from), and a part of the digest of its class's signature: `linear[1024x2048x512] a;
/// matmul[32x1024x64x1024] 0 1 @0f3b…`. Names of layers do not enter it.
std::vector<std::string> structures(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                                    const graph::Partition& partition);

/// The table `structures`: of each class in the latency workload.
archive::Table to_table(const std::vector<std::string>& structures);

}  // namespace gainsweep::pipeline

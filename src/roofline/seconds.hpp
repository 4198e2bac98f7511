#pragma once

#include <cstdint>
#include <vector>

#include "graph/partition.hpp"
#include "roofline/description.hpp"

namespace gainsweep::roofline {

/// What runs, in which formats it may, and on what.
struct Run {
  const Description& description;
  const graph::Graph& graph;
  const std::vector<graph::Op>& ops;  ///< of the graph
  const std::vector<format::Format>& formats;
};

/// An op as matrix products: `count` of [rows, inner] · [inner, columns].
struct Product {
  std::int64_t count = 1;
  std::int64_t rows = 0;
  std::int64_t inner = 0;
  std::int64_t columns = 0;
};

/// A linear layer is one product, an attention matmul one for each of its batches; a convolution
/// counts as the product of its patches and its weight.
Product product_of(const graph::Graph& graph, const graph::Op& op);

/// Whether the device runs an op in a format: a linear layer or attention matmul in one that has a
/// rate, unless nothing of the op would be lowered.
bool runs(const Description& description, const graph::Op& op, const format::Format& format);

/// Seconds of an op in a format that has a rate, without the casts of what it reads:
/// `max(arithmetic, traffic) + launch`. Arithmetic is at the rate that is reached times the share
/// of its tiles that a product fills; weights come from memory, activations from the cache where
/// they fit into half of it. Of an expert the part that is needed counts, and its whole weight.
double op_seconds(const Run& run, Fusion fusion, OpId op, FormatId format);

/// Seconds of a cast of so many elements of an activation from the high format: a pass, and one
/// more that looks for the largest magnitude where that of the whole operand is dynamic; none where
/// activations stay high.
double cast_seconds(const Run& run, Fusion fusion, std::int64_t elements, FormatId format);

/// Seconds of a node that is no op: 0 for one that only looks at its input another way or depends
/// on no input of the graph, else a pass.
double pass_seconds(const Run& run, Fusion fusion, graph::NodeId node);

/// Seconds of a sub-graph's ops in a configuration with their casts: a value that several of them
/// read in one format is cast once.
double subgraph_seconds(const Run& run, Fusion fusion, const graph::Subgraph& subgraph,
                        const graph::Configuration& configuration);

/// Seconds of the whole all-high graph.
double run_seconds(const Run& run, Fusion fusion);

}  // namespace gainsweep::roofline

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/graph.hpp"

/// Questions about the quantizable ops of a graph.
namespace gainsweep::graph {

/// Op index by node index; `no_op` for nodes that are not quantizable.
inline constexpr std::size_t no_op = static_cast<std::size_t>(-1);
std::vector<std::size_t> op_of_node(const Graph& graph, const std::vector<Op>& ops);

/// Whether an op is a linear layer whose weight can be made ready once.
bool is_weighted_linear(const Op& op);

/// Depthwise or not.
bool is_convolution(OpKind kind);

/// The dimension of an operand that the op's products sum over, from the end where it is negative:
/// the last of a linear layer's input and weight and of a matmul's first operand, the last but one
/// of its second, the channels of a convolution's input and weight.
std::int64_t reduction_dimension(OpKind kind, std::size_t operand);

}  // namespace gainsweep::graph

#pragma once

#include "graph/graph.hpp"
#include "lower/pass.hpp"

namespace gainsweep::lower::graphs {

/// y = down(silu(gate(x)) * up(x)), then the matmul of y with its own transpose.
graph::Graph gated();

std::size_t count(const graph::Graph& graph, const std::string& op);

/// Formats bf16, int8 (static), fp8_e4m3.
std::vector<format::Format> formats();

/// 1 + op/10 + operand/100 for each activation.
Maxima maxima(const std::vector<graph::Op>& ops);

}  // namespace gainsweep::lower::graphs

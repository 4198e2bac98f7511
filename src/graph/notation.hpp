#pragma once

#include <string>

#include "graph/graph.hpp"

namespace gainsweep::graph {

/// Type and shape of a value: `real[1, 256, 64]`.
std::string type_text(const Value& value);

/// How a node's argument refers to a value: a parameter by name, a constant by name and shape (the
/// number itself where it holds one), anything else as `%` and its index.
std::string value_text(const Graph& graph, ValueId id);

/// A call with all its arguments: `aten::linear(%3, q_proj.weight)`.
std::string call_text(const Graph& graph, const Node& node);

}  // namespace gainsweep::graph

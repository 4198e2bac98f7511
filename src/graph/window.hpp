#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "graph/graph.hpp"

/// Where the window of a convolution goes.
namespace gainsweep::graph {

struct Window {
  std::vector<std::int64_t> stride{}, padding{}, dilation{};  ///< a number a dimension of space
  std::int64_t groups = 1;

  auto operator<=>(const Window&) const = default;
};

/// The window of a convolution's call, with what it leaves to defaults. Error(internal) for padding
/// by name, and for anything else that is no number.
Window window_of(const Graph& graph, const Node& node);

}  // namespace gainsweep::graph

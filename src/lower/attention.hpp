#pragma once

#include <cstddef>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::lower {

/// softmax(q k + mask) v in a graph: two ops, and the nodes between them that nothing else reads.
struct Attention {
  std::size_t qk = 0, av = 0;  ///< ops
  graph::ValueId query, key, value;
  graph::ValueId mask;                 ///< [T, S], from constants and parameters alone
  std::vector<graph::NodeId> nodes{};  ///< before that of `av`, that of `qk` among them
};

/// The attentions of a graph whose products are ops over [B, K, G·T, D] and whose mask is one for
/// all heads. What stands between otherwise (a soft cap, a mask of the input's) is none.
std::vector<Attention> attentions(const graph::Graph& graph, const std::vector<graph::Op>& ops);

}  // namespace gainsweep::lower

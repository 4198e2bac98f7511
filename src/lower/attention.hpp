#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "graph/partition.hpp"
#include "lower/rewrite.hpp"

namespace gainsweep::lower {

/// softmax(q k + mask) v in a graph, or softmax(c·tanh(q k) + mask) v: two ops, and the nodes
/// between them that nothing else reads.
struct Attention {
  std::size_t qk = 0, av = 0;  ///< ops
  graph::ValueId query, key, value;
  graph::ValueId mask;                 ///< [T, S]
  bool mask_is_fixed = false;          ///< from constants and parameters alone
  std::optional<double> cap{};         ///< c
  std::vector<graph::NodeId> nodes{};  ///< before that of `av`, that of `qk` among them
};

/// The attentions of a graph whose products are ops over [B, K, G·T, D] and whose mask is one for
/// all heads. Where anything else stands between there is none.
std::vector<Attention> attentions(const graph::Graph& graph, const std::vector<graph::Op>& ops);

/// Those whose two products both stay high.
std::vector<Attention> high_attentions(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                                       const graph::Assignment& assignment);

/// Writes attentions as one call each, for a pass that appends all other nodes itself.
class AttentionWriter {
 public:
  /// Calls of `gainsweep::probed_attention(q, k, v, mask, qk, av, cap)`, or of
  /// `gainsweep::attention(q, k, v, mask, cap)`. Refers to its arguments.
  enum class Form { probed, plain };
  AttentionWriter(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                  const std::vector<Attention>& attentions, Form form);

  /// Whether a node is part of one: its last is written, those before it are left out.
  bool write(Rewrite& rewrite, std::size_t node) const;

 private:
  const graph::Graph& graph_;
  const std::vector<graph::Op>& ops_;
  Form form_;
  std::vector<const Attention*> of_node_;
};

}  // namespace gainsweep::lower

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "graph/graph.hpp"

namespace gainsweep::graph {

enum class PartitionRule {
  sequential,  ///< components of "not ordered by data flow", with the op that joins them
  single,      ///< every op its own sub-graph
};

constexpr auto words(PartitionRule) {
  return std::to_array<Word<PartitionRule>>(
      {{PartitionRule::sequential, "sequential"}, {PartitionRule::single, "single"}});
}

/// Which linear layers that read one value a runtime computes as one matrix product.
enum class FusedLayers {
  none,
  qkv,  ///< those whose outputs attention multiplies
  all,  ///< these, and others that read one value: gate and up
};

constexpr auto words(FusedLayers) {
  return std::to_array<Word<FusedLayers>>(
      {{FusedLayers::none, "none"}, {FusedLayers::qkv, "qkv"}, {FusedLayers::all, "all"}});
}

/// How a spec asks for sub-graphs. Patterns are shell globs over op paths (`layers.*.attention.q`;
/// a
/// `*` spans dots too). They act in this order: late, rule, split, merge, tie and fused.
///
/// A merge group joins, for each instance, the sub-graphs that hold a match of any of its patterns.
/// The instance of a match is the text under the pattern's first wildcard: `[layers.*.mlp.gate,
/// layers.*.mlp.down]` makes one sub-graph a layer. Where a pattern has wildcards in its last
/// component only (`layers.3.*`) or none, all its matches are one instance. What is joined must be
/// neighbours in the order of sub-graphs; anything else is refused. Groups act one after the other.
struct PartitionSpec {
  PartitionRule rule = PartitionRule::sequential;
  std::vector<std::vector<std::string>> merge{};  ///< each group's matching sub-graphs become one
  std::vector<std::string> split{};               ///< each matching op becomes its own sub-graph
  /// One format for all matches of a pattern in one sub-graph. Left out: what the model's family
  /// ties (model::Model::ties), nothing where there is no such model.
  std::optional<std::vector<std::string>> tie{};
  /// Left out of the relation, joined to the sub-graph of their first consumer; no effect under
  /// `single`.
  std::vector<std::string> late{};
  FusedLayers fused = FusedLayers::none;  ///< a fused group is a tie, too
  std::size_t configuration_limit = 1024;
};

/// A sequential sub-graph: ops whose gains must be measured together.
struct Subgraph {
  std::vector<OpId> ops{};  ///< in IR order
  /// Groups of ops (positions in `ops`) that share one format; untied ops are groups of one.
  std::vector<std::vector<std::size_t>> ties{};
  /// Groups of two or more ops (positions in `ops`) that are one matrix product.
  std::vector<std::vector<std::size_t>> fused{};
  ClassId cls{};
  std::string
      name{};  ///< of its ops' common path and leaves, such as `layers.3.attention.{q,k,v,qk,av}`
};

struct Partition {
  std::vector<Op> ops{};
  std::vector<Subgraph> subgraphs{};               ///< in the order of their first ops
  std::vector<std::vector<SubgraphId>> classes{};  ///< members of each structural class, by ClassId
};

/// The sequential sub-graphs of a graph (docs/method.md, "Sub-graphs"). Error(config) for a pattern
/// that matches nothing, a `fused` that finds nothing, or a sub-graph with more configurations than
/// the limit at `num_formats` formats (the high one included); the message names the ops and the
/// ways out. Sub-graphs are of one class when their regions (extract) have the same calls,
/// attributes, shapes and wiring and the same ops, ties and fused groups; names and the numbers in
/// constants do not count.
Partition partition(const Graph& graph, const PartitionSpec& spec, std::size_t num_formats);

/// What ops are called together: the text that their paths begin with, and how each goes on, such
/// as `layers.3.attention.{q,k,v}`.
std::string name_of(const std::vector<Op>& ops, const std::vector<std::size_t>& group);

/// A format for each op of one sub-graph, in the order of Subgraph::ops.
using Configuration = std::vector<FormatId>;

/// A format for each op of the model, by OpId.
using Assignment = std::vector<FormatId>;

/// All configurations of a sub-graph, all-high first, the last op's format varying fastest.
/// `allowed[i]` lists the formats op i of the sub-graph may take (high included); tied ops take the
/// same format, from the intersection of what they allow. Error(internal) where `allowed` does not
/// fit.
std::vector<Configuration> configurations(const Subgraph& subgraph,
                                          const std::vector<std::vector<FormatId>>& allowed);

/// The sub-graph's nodes as a graph of its own: its ops and every node on a data path between two
/// of them, with their paths, in their order. Inputs are the values read from outside in the order
/// of their first use (parameters and constants stay what they are, and weights of its ops are
/// computed from them in here), outputs those read outside or by nobody. An input keeps its value's
/// name; a value without one gives `%` and its index in `graph`.
Graph extract(const Graph& graph, const std::vector<NodeId>& op_nodes);

}  // namespace gainsweep::graph

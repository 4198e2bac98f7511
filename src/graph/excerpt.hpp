#pragma once

#include <unordered_map>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::graph {

/// Some nodes of a graph as a graph of their own. What they read from outside becomes an input,
/// in the order of first use; parameters and constants stay what they are. An input keeps its
/// value's name; a value without one gives `%` and its index in the whole graph.
class Excerpt {
 public:
  explicit Excerpt(const Graph& whole) : whole_(whole) { part_.name = whole.name; }

  /// A value of the whole graph in this one, added when it is not there yet.
  ValueId import(ValueId id);
  /// Appends a node of the whole graph; what it reads is imported.
  void append(NodeId id);
  void add_output(ValueId id) { part_.outputs.push_back(import(id)); }
  Graph finish() && { return std::move(part_); }

 private:
  const Graph& whole_;
  Graph part_;
  std::unordered_map<std::size_t, ValueId> known_;
};

}  // namespace gainsweep::graph

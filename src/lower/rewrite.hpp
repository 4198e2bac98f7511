#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::lower {

/// A copy of a graph whose nodes are appended anew, some of them replaced. Values keep their ids
/// unless nodes are left out.
class Rewrite {
 public:
  explicit Rewrite(const graph::Graph& source);

  /// The graph being made: further nodes and constants are added to it directly.
  graph::Graph& target() { return target_; }

  /// Appends a node of the source as it is.
  void keep(const graph::Node& node);
  /// Appends another call that makes the outputs of a node of the source.
  void replace(const graph::Node& node, std::string op, std::vector<graph::Argument> arguments);

  /// Leaves out a node of the source: nothing that is appended may read what it makes.
  void leave_out() { leaves_out_ = true; }

  /// A constant of one element: the same value for equal numbers of a type.
  graph::ValueId constant(double number, graph::ElementType type);

  /// The finished graph, validated.
  graph::Graph finish() &&;

 private:
  graph::Graph target_;
  bool leaves_out_ = false;
  std::map<std::pair<graph::ElementType, double>, graph::ValueId> constants_;
};

}  // namespace gainsweep::lower

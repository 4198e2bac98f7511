#pragma once

#include <string>
#include <vector>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// The graph of a decoder while it is built: what all its parts are made of.
///
/// Shape letters: B sequences, T tokens, C hidden size, F intermediate size, V vocabulary, D head
/// size; H query heads, K key/value heads, G = H/K query heads that share a key head.
struct Nodes {
  Nodes(const Decoder& decoder, const Workload& workload);

  const Decoder& decoder;
  std::int64_t batch;
  std::int64_t length;
  graph::Graph graph{};

  const graph::Shape& shape(graph::ValueId x) const { return graph.value(x).shape; }

  graph::ValueId add(const char* op, std::vector<graph::Argument> arguments, graph::Shape shape,
                     const std::string& path);
  graph::ValueId reshape(graph::ValueId x, const graph::Shape& shape, const std::string& path);
  /// The sum of two values of one shape.
  graph::ValueId sum(graph::ValueId x, graph::ValueId y, const std::string& path);
  /// A linear layer with the parameters `name`.weight and, with a bias, `name`.bias.
  graph::ValueId linear(graph::ValueId x, const std::string& name, std::int64_t out, bool bias,
                        const std::string& path);
  /// The decoder's norm, of the last dimension.
  graph::ValueId norm(graph::ValueId x, const std::string& name, const std::string& path);
};

}  // namespace gainsweep::model

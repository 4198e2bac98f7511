#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// How a checkpoint holds the matrix of a linear layer.
struct Stored {
  std::int64_t first = 0;   ///< row
  std::int64_t rows = 0;    ///< of the tensor, which holds other matrices too; 0: this one alone
  bool transposed = false;  ///< rows are columns there
};

/// Where the tokens of packed sequences stand, [T] each.
struct Packing {
  graph::ValueId positions;
  graph::ValueId parts;
};

/// The graph of a decoder while it is built: what all its parts are made of.
///
/// Shape letters: B sequences, T tokens, C hidden size, F intermediate size, V vocabulary, D head
/// size; H query heads, K key/value heads, G = H/K query heads that share a key head.
struct Nodes {
  Nodes(const Decoder& decoder, const Workload& workload);

  const Decoder& decoder;
  std::int64_t batch;
  std::int64_t length;
  std::optional<Packing> packing{};  ///< none: one sequence after the other
  graph::Graph graph{};

  const graph::Shape& shape(graph::ValueId x) const { return graph.value(x).shape; }

  graph::ValueId add(const char* op, std::vector<graph::Argument> arguments, graph::Shape shape,
                     const std::string& path);
  graph::ValueId reshape(graph::ValueId x, const graph::Shape& shape, const std::string& path);
  /// The sum of two values of one shape.
  graph::ValueId sum(graph::ValueId x, graph::ValueId y, const std::string& path);
  /// Slices of a dimension, by an input that says which.
  graph::ValueId select(graph::ValueId x, std::int64_t dimension, graph::ValueId places,
                        const std::string& path);
  /// Rows, or other slices, from `first` to `last`.
  graph::ValueId slice(graph::ValueId x, std::int64_t dimension, std::int64_t first,
                       std::int64_t last, const std::string& path);
  /// c·tanh(x / c) of `scaled`, which is x / c.
  graph::ValueId capped(graph::ValueId scaled, double cap, const std::string& path);
  /// A linear layer with the parameters `name`.weight and, with a bias, `name`.bias.
  graph::ValueId linear(graph::ValueId x, const std::string& name, std::int64_t out, bool bias,
                        const std::string& path, const Stored& stored = {});
  /// The decoder's norm, of the last dimension.
  graph::ValueId norm(graph::ValueId x, const std::string& name, const std::string& path);
};

}  // namespace gainsweep::model

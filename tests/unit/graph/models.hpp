#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "graph/partition.hpp"

/// Small model graphs that the tests build through the public builder.
namespace gainsweep::graph::models {

struct Sizes {
  std::int64_t tokens = 16;
  std::int64_t hidden = 32;
  std::int64_t intermediate = 48;
  std::int64_t heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t vocabulary = 64;
};

/// A linear layer named by its path.
ValueId linear(Graph& graph, ValueId input, std::int64_t outputs, const std::string& path);
ValueId add(Graph& graph, ValueId a, ValueId b);
ValueId mul(Graph& graph, ValueId a, ValueId b);
/// A node of one input and the same shape.
ValueId unary(Graph& graph, const std::string& op, ValueId input);
ValueId conv2d(Graph& graph, ValueId input, std::int64_t outputs, std::int64_t kernel,
               std::int64_t groups, const std::string& path);

/// The attention of a Llama block on a normalised input, without the output projection.
ValueId attention(Graph& graph, ValueId input, const Sizes& sizes, const std::string& path,
                  std::optional<ValueId> mask = {});
/// down(silu(gate(x)) * up(x)).
ValueId gated_mlp(Graph& graph, ValueId input, const Sizes& sizes, const std::string& path);

/// A whole Llama: embedding, blocks, final norm and head (tied to the embedding when asked for).
Graph llama(std::size_t num_layers, bool tied = false, const Sizes& sizes = {});

/// The sub-graphs' names.
std::vector<std::string> names(const Partition& partition);
/// The message of the Error that partitioning throws; empty when it throws none of kind config.
std::string refusal(const Graph& graph, const PartitionSpec& spec, std::size_t num_formats = 2);

}  // namespace gainsweep::graph::models

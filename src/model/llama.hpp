#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.hpp"
#include "model/checkpoint.hpp"

namespace gainsweep::model {

/// Llama 3's frequency-dependent stretching of RoPE (`rope_scaling: {rope_type: llama3, …}`).
struct RopeScaling {
  double factor = 1;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  std::int64_t original_length = 8192;
};

/// A Hugging Face Llama `config.json`.
struct LlamaConfig {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  std::int64_t longest = 0;  ///< max_position_embeddings
  double norm_epsilon = 1e-5;
  double rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling;
  bool tied = false;  ///< the head shares the embedding's weight
  bool attention_bias = false;
  bool feed_forward_bias = false;
};

/// Reads and checks a config.json. Error(input) naming the file and key for anything missing,
/// ill-typed, inconsistent or not supported (another model_type, activation, RoPE type).
LlamaConfig read_config(const std::filesystem::path& file);

/// The same of a config.json's text; `file` is what messages name.
LlamaConfig parse_config(std::string_view text, const std::filesystem::path& file);

/// What a graph of a model is made for.
struct Workload {
  std::int64_t batch = 1;
  std::int64_t length = 0;  ///< tokens of a sequence
  bool with_loss = true;    ///< outputs {loss, logits}; else {logits}
};

/// The forward pass as a graph. Inputs `tokens` index[B, T] and, with the loss, `labels`
/// index[B, T]; outputs the mean cross entropy (a scalar) and logits real[B, T, V]. Grouped-query
/// keys and values are single operands of `qk` and `av`: query heads of a group are stacked along
/// the rows instead of repeating keys. Error(input) when the length exceeds the model's.
graph::Graph build(const LlamaConfig& config, const Workload& workload);

/// Checks that a checkpoint has every parameter of the graph in its shape and a floating type.
/// Error(input) naming file, tensor, found and wanted.
void check(const graph::Graph& graph, const Checkpoint& checkpoint);

/// A checkpoint with its configuration.
struct Model {
  LlamaConfig config;
  Checkpoint checkpoint;
};

/// Opens a Hugging Face folder: config.json, tensors, and the check of one against the other.
Model open(const std::filesystem::path& folder);

/// The files that a digest of the model covers: config.json and all mapped ones.
std::vector<std::filesystem::path> digested_files(const Model& model);

/// The model's digest, of its files' (digest::of_file, by path). Error(internal) when one is
/// missing.
std::string digest(const Model& model, const std::map<std::filesystem::path, std::string>& files);

}  // namespace gainsweep::model

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "model/model.hpp"

namespace gainsweep::model {

/// Llama 3's frequency-dependent stretching of RoPE (`rope_scaling: {rope_type: llama3, …}`).
struct RopeScaling {
  double factor = 1;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  std::int64_t original_length = 8192;
};

/// A decoder language model by its sizes and features: families differ in what they set here.
/// Blocks of grouped-query attention and a gated feed-forward layer with SiLU, each behind an RMS
/// norm and beside a residual connection; rotary position embedding.
struct Decoder {
  std::string family{};  ///< `model_type`
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  std::int64_t longest = 0;  ///< positions that it was made for
  double norm_epsilon = 1e-5;
  double rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling{};
  bool tied = false;  ///< the head shares the embedding's weight
  bool attention_bias = false;
  bool feed_forward_bias = false;
};

/// The forward pass as a graph. Inputs `tokens` index[B, T] and, for outputs about targets,
/// `labels` index[B, T]; class scores are logits real[B, T, V]. Parameters have the names that
/// transformers gives them in Llama checkpoints. Grouped-query keys and values are single operands
/// of `qk` and `av`: query heads of a group are stacked along the rows instead of repeating keys.
/// Error(input) when the length exceeds the model's.
graph::Graph build(const Decoder& decoder, const Workload& workload);

/// The decoder with the tensors of its Hugging Face folder, under the names of build(). Where the
/// head shares the embedding's weight, either name serves; where both are stored and differ, the
/// head has its own, with a note. Tensors of the model's own modules that build() does not read are
/// refused, unless they hold what it computes itself or are biases of zeros.
Model open(const Decoder& decoder, const std::filesystem::path& folder);

}  // namespace gainsweep::model

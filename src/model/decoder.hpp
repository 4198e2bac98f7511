#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "model/rope.hpp"

namespace gainsweep::model {

/// A decoder language model by its sizes and features: families differ in what they set here.
/// Blocks of grouped-query attention and a gated feed-forward layer with SiLU, each behind an RMS
/// norm and beside a residual connection; rotary position embedding; attention to all tokens before
/// or those of a window.
struct Decoder {
  static constexpr std::int64_t longest_context = 1 << 28;  ///< far above every model

  std::string family{};  ///< `model_type`
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  std::int64_t longest = 0;  ///< positions that it was made for, stretched ones included
  double norm_epsilon = 1e-5;
  Rope rope{};
  bool tied = false;  ///< the head shares the embedding's weight
  bool query_key_value_bias = false;
  bool attention_output_bias = false;
  bool feed_forward_bias = false;
  bool query_key_norm = false;  ///< an RMS norm of each head's queries and keys before they turn
  /// By layer: how many tokens a token sees, itself included; 0: all before it. None: 0 for all.
  std::vector<std::int64_t> windows{};
  std::vector<std::string> bias_keys{};    ///< of config.json, by which biases are switched on
  std::vector<std::string> unread_keys{};  ///< of config.json: they do not change the function
  std::vector<std::string> remarks{};      ///< what else users should know of how it was read
};

/// The forward pass as a graph. Inputs `tokens` index[B, T] and, for outputs about targets,
/// `labels` index[B, T]; class scores are logits real[B, T, V]. Parameters have the names that
/// transformers gives them in Llama checkpoints. Grouped-query keys and values are single operands
/// of `qk` and `av`: query heads of a group are stacked along the rows instead of repeating keys.
/// Error(input) when the length exceeds the model's.
graph::Graph build(const Decoder& decoder, const Workload& workload);

/// The decoder with the tensors of its checkpoint, under the names of build(). Where the
/// head shares the embedding's weight, either name serves; where both are stored and differ, the
/// head has its own, with a note. Tensors of the model's own modules that build() does not read are
/// refused, unless they hold what it computes itself or are biases of zeros.
Model open(const Decoder& decoder, std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace gainsweep::model

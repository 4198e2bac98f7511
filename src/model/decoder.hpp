#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.hpp"
#include "model/rope.hpp"

namespace gainsweep::model {

/// The norms of one part of a layer by their names in it; none where a name is empty.
struct PartNorms {
  std::string before{};  ///< of what the part sees
  std::string after{};   ///< of what it adds
  std::string of_sum{};  ///< of the sum
};

/// Where a checkpoint has a decoder's tensors: Llama's names, which families replace. Matrices of
/// one name lie in one tensor, one after the other (queries, keys, values; gates before the rest).
struct TensorNames {
  std::string base = "model.";  ///< of all but the head; checkpoints of the bare decoder lack it
  std::string embedding = "model.embed_tokens";
  std::string project_in{}, project_out{};  ///< where embeddings have a size of their own
  std::string positions{};                  ///< learned ones; none where empty
  std::string layers = "model.layers.";     ///< before a layer's number and a dot
  PartNorms attention_norms{.before = "input_layernorm"};
  PartNorms feed_forward_norms{.before = "post_attention_layernorm"};
  std::string query = "self_attn.q_proj", key = "self_attn.k_proj", value = "self_attn.v_proj";
  std::string query_norm = "self_attn.q_norm", key_norm = "self_attn.k_norm";
  std::string attention_output = "self_attn.o_proj";
  std::string gate = "mlp.gate_proj";  ///< empty: the activation is not a gate
  std::string up = "mlp.up_proj", down = "mlp.down_proj";
  std::string norm = "model.norm";  ///< behind the last layer; none where empty
  std::string head = "lm_head";
};

enum class NormKind {
  rms,    ///< x / √(mean x² + ε), times a weight
  layer,  ///< (x − mean) / √(variance + ε), times a weight plus a bias
};

/// Of what an RMS norm of queries and keys takes the mean.
enum class QueryKeyNorm { none, heads, all_heads };

/// Names of a mixture's tensors in a layer; of the experts' own behind an expert's number.
struct MixtureNames {
  std::string router = "mlp.gate";
  std::string experts = "mlp.experts";
  std::string gate = "gate_proj", up = "up_proj", down = "down_proj";
};

/// A feed-forward layer of experts: a router chooses some of them for each token and weights what
/// they give.
struct Mixture {
  std::int64_t experts = 0;
  std::int64_t chosen = 0;        ///< experts that a token uses
  std::int64_t intermediate = 0;  ///< size of one expert
  bool normalised = false;        ///< the weights of the chosen ones add to 1
  /// The checkpoint has all experts in two tensors, `gate_up_proj` [E, 2F, C] and `down_proj`
  /// [E, C, F].
  bool fused = false;
  MixtureNames names{};
};

/// A decoder language model by its sizes and features: families differ in what they set here.
/// Blocks of grouped-query attention and a feed-forward layer, beside residual connections;
/// rotary or learned positions; attention to all tokens before or those of a window.
struct Decoder {
  static constexpr std::int64_t longest_context = 1 << 28;  ///< far above every model

  std::string family{};  ///< `model_type`
  TensorNames names{};
  bool transposed = false;  ///< matrices of layers are stored with a row for each input
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_value_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  std::int64_t longest = 0;  ///< positions that it was made for, stretched ones included

  bool tied = false;                ///< the head shares the embedding's weight
  std::int64_t embedding_size = 0;  ///< 0: the hidden size; else two projections change it
  double embedding_scale = 1;       ///< in the precision that the model runs in
  double residual_scale = 1;        ///< of what attention and feed-forward layers add
  double logits_divisor = 1;
  double logits_softcap = 0;  ///< c: x becomes c·tanh(x / c); 0: none

  NormKind norm = NormKind::rms;
  double norm_epsilon = 1e-5;
  bool norm_parameters = true;        ///< weights and biases; else norms have none
  bool norm_weight_plus_one = false;  ///< weights are stored less one

  Rope rope{};
  std::optional<Rope> window_rope{};  ///< of layers with a window; none: that of the others
  double rotated_share = 1;           ///< of a head's numbers, from the first on; 0: none turn
  std::int64_t position_offset = 0;   ///< rows of learned positions before the first token's
  /// Factor of attention scores; none: 1/√D.
  std::optional<double> attention_scale{};
  bool attention_scale_by_layer = false;  ///< divided by the layer's number, counted from 1
  double attention_softcap = 0;           ///< as that of logits
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;  ///< before they turn
  bool query_key_value_bias = false;
  bool attention_output_bias = false;
  /// By layer: how many tokens a token sees, itself included; 0: all before it. None: 0 for all.
  std::vector<std::int64_t> windows{};

  std::string activation = "silu";  ///< a row of activations()
  bool feed_forward_bias = false;
  std::optional<Mixture> mixture{};  ///< of its mixed layers
  std::vector<bool> mixed{};         ///< by layer: whether it has a mixture. None: in no layer

  std::vector<std::string> bias_keys{};    ///< of config.json, by which biases are switched on
  std::vector<std::string> unread_keys{};  ///< of config.json: they do not change the function
  std::vector<std::string> remarks{};      ///< what else users should know of how it was read
};

/// The decoder that the text of a config.json describes, as the family of that name reads it;
/// `file` is what messages name. Error(input) naming the file and key for anything missing,
/// ill-typed, inconsistent or not supported (another activation or RoPE type, quantised weights).
Decoder parse_decoder(const std::string& family, std::string_view config,
                      const std::filesystem::path& file);

/// The forward pass as a graph. Inputs `tokens` index[B, T] and, for outputs about targets,
/// `labels` index[B, T]; class scores are logits real[B, T, V]. Parameters have their names of the
/// checkpoint. Grouped-query keys and values are single operands of `qk` and `av`: query heads of a
/// group are stacked along the rows instead of repeating keys. Weights that are rows of a tensor,
/// transposed or less one are computed from it by nodes that depend on no input.
/// Of packed sequences inputs say where tokens stand (model/sample.hpp).
/// Error(input) when the length exceeds the model's.
graph::Graph build(const Decoder& decoder, const Workload& workload);

/// Most tokens of sequences that may be packed: as many as are embedded by their positions alone.
std::int64_t longest_packed(const Decoder& decoder);

/// The decoder with the tensors of its checkpoint, under the names of build(). Where the
/// head shares the embedding's weight, either name serves; where both are stored and differ, the
/// head has its own, with a note. Names may lack `TensorNames::base`. Tensors of the model's own
/// modules that build() does not read are refused, unless they hold what it computes itself or are
/// biases of zeros.
Model open(const Decoder& decoder, std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace gainsweep::model

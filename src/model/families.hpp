#pragma once

#include <string>

#include "base/table.hpp"
#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// A family of decoders.
struct Family {
  std::string name;  ///< `model_type` of config.json
  /// What it reads of a config.json: Error(input) for anything missing, ill-typed, inconsistent or
  /// not supported. Keys that it does not look up are judged afterwards.
  Decoder (*read)(const ConfigKeys& keys);
};

/// The known ones.
const Table<Family>& families();

/// What they read, with transformers' defaults.
///
/// Gemma: a Llama with norms whose weights are stored less one, embeddings times the square root of
/// their size, and a GELU. Gemma 2 has norms before and after, soft caps, its own factor of scores
/// and windows in every other layer; Gemma 3 norms of queries and keys and another rotation in
/// layers with a window.
Decoder read_gemma(const ConfigKeys& keys);
Decoder read_gemma2(const ConfigKeys& keys);
Decoder read_gemma3(const ConfigKeys& keys);

/// GPT-2: learned positions, layer norms, and matrices that are stored transposed, those of
/// queries, keys and values side by side.
Decoder read_gpt2(const ConfigKeys& keys);

/// Granite: a Llama with factors of embeddings, scores and residuals and a divisor of logits.
Decoder read_granite(const ConfigKeys& keys);

/// Llama and what is Llama under other names.
Decoder read_llama(const ConfigKeys& keys);

/// Mistral: a Llama without biases, whose tokens see `sliding_window` tokens.
Decoder read_mistral(const ConfigKeys& keys);

/// Mixtral: a Mistral whose layers are mixtures of experts; the weights of a token's experts add
/// to 1.
Decoder read_mixtral(const ConfigKeys& keys);

/// OLMo 2: a Llama with norms of what its parts add, and of all queries and all keys at once.
Decoder read_olmo2(const ConfigKeys& keys);

/// OPT: learned positions, layer norms before or after, ReLU, embeddings of a size of their own.
Decoder read_opt(const ConfigKeys& keys);

/// Phi-3 and Phi-4-mini: a Mistral whose matrices of queries, keys and values are one tensor, gates
/// and the rest another.
Decoder read_phi3(const ConfigKeys& keys);

/// Qwen2 and Qwen2.5: a Llama with biases of queries, keys and values, some of whose layers see
/// `sliding_window` tokens where `use_sliding_window` says so. Qwen3: norms of queries and keys,
/// biases only with `attention_bias`.
Decoder read_qwen2(const ConfigKeys& keys);
Decoder read_qwen3(const ConfigKeys& keys);

/// Qwen3-MoE: a Qwen3 with mixtures of experts in every `decoder_sparse_step`-th layer but those of
/// `mlp_only_layers`; windows are those of all layers.
Decoder read_qwen3_moe(const ConfigKeys& keys);

}  // namespace gainsweep::model

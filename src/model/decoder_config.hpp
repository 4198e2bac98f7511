#pragma once

#include <vector>

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// What transformers takes where a family's config.json is silent.
struct DecoderDefaults {
  const char* family;
  std::int64_t longest;              ///< `max_position_embeddings`
  std::int64_t key_value_heads = 0;  ///< 0: as many as heads
  std::int64_t head_size = 0;        ///< 0: the heads' shares of the hidden size
  double norm_epsilon = 1e-6;
  double rope_theta = 10000;
  bool tied = false;
  const char* activation = "silu";
  bool rotates = true;         ///< positions by rotation
  bool rotates_parts = false;  ///< `partial_rotary_factor` of each head alone
};

/// How a family spells keys that all have; nullptr: it has none, and the default holds or the
/// family sets what it means.
struct DecoderKeys {
  const char* hidden = "hidden_size";
  const char* intermediate = "intermediate_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* longest = "max_position_embeddings";
  const char* norm_epsilon = "rms_norm_eps";
  const char* activation = "hidden_act";
};

/// What configurations of decoder families have in common: sizes, norms, tied weights, activation,
/// rotary embedding. Error(input) for anything missing, ill-typed, inconsistent or not
/// supported, quantised weights included.
Decoder read_decoder(const ConfigKeys& keys, const DecoderDefaults& defaults,
                     const DecoderKeys& spelling = {});

/// Whether each layer has a window: `layer_types`, or `otherwise`.
std::vector<bool> read_layer_types(const ConfigKeys& keys, std::vector<bool> otherwise);

/// Gives the layers that have one a window.
void set_windows(Decoder& decoder, const std::vector<bool>& windowed, std::int64_t window);

}  // namespace gainsweep::model

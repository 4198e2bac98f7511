#pragma once

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// What transformers takes where a family's config.json is silent.
struct DecoderDefaults {
  const char* family;
  std::int64_t longest;              ///< `max_position_embeddings`
  std::int64_t key_value_heads = 0;  ///< 0: as many as heads
  std::int64_t head_size = 0;        ///< 0: the heads' shares of the hidden size
};

/// What configurations of decoder families have in common: sizes, norms, tied weights, rotary
/// embedding. Error(input) for anything missing, ill-typed, inconsistent or not supported,
/// quantised weights included.
Decoder read_decoder(const ConfigKeys& keys, const DecoderDefaults& defaults);

}  // namespace gainsweep::model

#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_olmo2(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys, {.family = "olmo2", .longest = 2048, .norm_epsilon = 1e-5});
  decoder.names.attention_norms = {.after = "post_attention_layernorm"};
  decoder.names.feed_forward_norms = {.after = "post_feedforward_layernorm"};
  decoder.query_key_norm = QueryKeyNorm::all_heads;
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias"};
  return decoder;
}

}  // namespace gainsweep::model

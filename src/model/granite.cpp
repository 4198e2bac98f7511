#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_granite(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys, {.family = "granite", .longest = 2048});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.feed_forward_bias = keys.flag("mlp_bias");
  decoder.bias_keys = {"attention_bias", "mlp_bias"};
  decoder.embedding_scale = keys.positive("embedding_multiplier", 1.0);
  decoder.attention_scale = keys.positive("attention_multiplier", 1.0);
  decoder.residual_scale = keys.positive("residual_multiplier", 1.0);
  decoder.logits_divisor = keys.positive("logits_scaling", 1.0);
  return decoder;
}

}  // namespace gainsweep::model

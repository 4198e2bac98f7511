#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_llama(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys, {.family = "llama", .longest = 2048});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias", "mlp_bias"};
  decoder.feed_forward_bias = keys.flag("mlp_bias");
  return decoder;
}

}  // namespace gainsweep::model

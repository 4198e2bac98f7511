#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_gpt2(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys,
                              {.family = "gpt2",
                               .longest = 1024,
                               .norm_epsilon = 1e-5,
                               .tied = true,
                               .activation = "gelu_new",
                               .rotates = false},
                              {.hidden = "n_embd",
                               .intermediate = nullptr,
                               .layers = "n_layer",
                               .heads = "n_head",
                               .longest = "n_positions",
                               .norm_epsilon = "layer_norm_epsilon",
                               .activation = "activation_function"});
  decoder.intermediate = keys.size("n_inner", 4 * decoder.hidden);
  decoder.norm = NormKind::layer;
  decoder.transposed = true;
  decoder.names = {.base = "transformer.",
                   .embedding = "transformer.wte",
                   .positions = "transformer.wpe",
                   .layers = "transformer.h.",
                   .attention_norms = {.before = "ln_1"},
                   .feed_forward_norms = {.before = "ln_2"},
                   .query = "attn.c_attn",
                   .key = "attn.c_attn",
                   .value = "attn.c_attn",
                   .attention_output = "attn.c_proj",
                   .gate = "",
                   .up = "mlp.c_fc",
                   .down = "mlp.c_proj",
                   .norm = "transformer.ln_f"};
  decoder.query_key_value_bias = decoder.attention_output_bias = decoder.feed_forward_bias = true;
  if (!keys.flag("scale_attn_weights", true)) decoder.attention_scale = 1;
  decoder.attention_scale_by_layer = keys.flag("scale_attn_by_inverse_layer_idx");
  return decoder;
}

}  // namespace gainsweep::model

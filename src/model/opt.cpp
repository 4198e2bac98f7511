#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {
namespace {

TensorNames names_of(bool norms_before, bool last_norm) {
  TensorNames names{.embedding = "model.decoder.embed_tokens",
                    .positions = "model.decoder.embed_positions",
                    .layers = "model.decoder.layers.",
                    .attention_norms = {},
                    .feed_forward_norms = {},
                    .attention_output = "self_attn.out_proj",
                    .gate = "",
                    .up = "fc1",
                    .down = "fc2",
                    .norm = last_norm ? "model.decoder.final_layer_norm" : ""};
  auto place = norms_before ? &PartNorms::before : &PartNorms::of_sum;
  names.attention_norms.*place = "self_attn_layer_norm";
  names.feed_forward_norms.*place = "final_layer_norm";
  return names;
}

}  // namespace

Decoder read_opt(const ConfigKeys& keys) {
  auto decoder = read_decoder(
      keys,
      {.family = "opt",
       .longest = 2048,
       .norm_epsilon = 1e-5,
       .tied = true,
       .activation = "relu",
       .rotates = false},
      {.intermediate = "ffn_dim", .norm_epsilon = nullptr, .activation = "activation_function"});
  const bool norms_before = keys.flag("do_layer_norm_before", true);
  const bool removed = keys.flag("_remove_final_layer_norm");
  decoder.names = names_of(norms_before, norms_before && !removed);
  decoder.norm = NormKind::layer;
  decoder.norm_parameters = keys.flag("layer_norm_elementwise_affine", true);
  decoder.position_offset = 2;  // rows of padding, in the checkpoint too
  decoder.embedding_size = keys.size("word_embed_proj_dim", decoder.hidden);
  if (decoder.embedding_size != decoder.hidden) {
    decoder.names.project_in = "model.decoder.project_in";
    decoder.names.project_out = "model.decoder.project_out";
  }
  decoder.query_key_value_bias = decoder.attention_output_bias = decoder.feed_forward_bias =
      keys.flag("enable_bias", true);
  decoder.bias_keys = {"enable_bias"};
  return decoder;
}

}  // namespace gainsweep::model

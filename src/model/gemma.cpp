#include <cmath>

#include "base/text.hpp"
#include "model/decoder_config.hpp"
#include "model/families.hpp"
#include "model/rope_config.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t default_window = 4096;

/// What all Gemmas have in common.
Decoder read(const ConfigKeys& keys, DecoderDefaults defaults, const char* activation) {
  defaults.head_size = 256;
  defaults.tied = true;
  defaults.activation = "gelu_pytorch_tanh";
  auto decoder = read_decoder(keys, defaults, {.activation = activation});
  decoder.norm_weight_plus_one = true;
  decoder.embedding_scale = std::sqrt(static_cast<double>(decoder.hidden));
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias"};
  return decoder;
}

/// What Gemma 2 and 3 have beyond the first; layers whose number, counted from 1, is a multiple of
/// `pattern` see all tokens.
void read_further(const ConfigKeys& keys, std::int64_t pattern, Decoder& decoder) {
  decoder.names.attention_norms.after = "post_attention_layernorm";
  decoder.names.feed_forward_norms = {.before = "pre_feedforward_layernorm",
                                      .after = "post_feedforward_layernorm"};
  decoder.attention_scale = 1 / std::sqrt(keys.positive("query_pre_attn_scalar", 256));
  if (keys.is_null("sliding_window")) keys.refuse("sliding_window is null");
  std::vector<bool> windowed;
  for (std::int64_t layer = 1; layer <= decoder.layers; ++layer)
    windowed.push_back(layer % pattern != 0);
  set_windows(decoder, read_layer_types(keys, windowed),
              keys.size("sliding_window", default_window, Decoder::longest_context));
}

/// A bound of values: null means that there is none.
double read_softcap(const ConfigKeys& keys, const char* key, double otherwise) {
  if (keys.is_null(key)) return 0;
  return keys.find(key) ? keys.positive(key, std::nullopt) : otherwise;
}

/// The rotations of layers that see all tokens and of those with a window: `rope_parameters` has
/// both; older files have `rope_scaling` for the first, and `rope_theta` and
/// `rope_local_base_freq`.
void read_rotations(const ConfigKeys& keys, Decoder& decoder) {
  static const auto none = nlohmann::json::object();
  const auto longest = decoder.longest;  // stretched already
  const auto* parameters = keys.find("rope_parameters");
  if (parameters && !parameters->is_object()) keys.refuse("rope_parameters is not an object");
  for (const auto& [type, value] : parameters ? parameters->items() : none.items())
    if (type != "full_attention" && type != "sliding_attention")
      keys.refuse("rope_parameters has " + quote(type) +
                  " beside 'full_attention' and 'sliding_attention'");
  const auto read_one = [&](const std::string& type, double theta) {
    const bool there = parameters && parameters->contains(type) && !parameters->at(type).is_null();
    const auto* scaling = type == "full_attention" ? keys.find("rope_scaling") : nullptr;
    if (scaling) return read_rope_of(keys, "rope_scaling", *scaling, theta, decoder);
    return read_rope_of(keys, "rope_parameters." + type, there ? parameters->at(type) : none, theta,
                        decoder);
  };
  decoder.window_rope =
      read_one("sliding_attention", keys.positive("rope_local_base_freq", 10000.0));
  decoder.rope = read_one("full_attention", keys.positive("rope_theta", 1e6));
  decoder.longest = longest;
}

}  // namespace

Decoder read_gemma(const ConfigKeys& keys) {
  auto decoder =
      read(keys, {.family = "gemma", .longest = 8192, .key_value_heads = 16}, "hidden_act");
  // The first releases say "gelu" and mean its approximation.
  if (decoder.activation == "gelu") decoder.activation = "gelu_pytorch_tanh";
  return decoder;
}

Decoder read_gemma2(const ConfigKeys& keys) {
  auto decoder =
      read(keys, {.family = "gemma2", .longest = 8192, .key_value_heads = 4}, "hidden_activation");
  read_further(keys, 2, decoder);
  decoder.attention_softcap = read_softcap(keys, "attn_logit_softcapping", 50);
  decoder.logits_softcap = read_softcap(keys, "final_logit_softcapping", 30);
  return decoder;
}

Decoder read_gemma3(const ConfigKeys& keys) {
  DecoderDefaults defaults{.family = "gemma3_text", .longest = 131072, .key_value_heads = 4};
  defaults.rotates = false;  // its layers rotate in two ways
  auto decoder = read(keys, defaults, "hidden_activation");
  decoder.rotated_share = 1;
  read_rotations(keys, decoder);
  read_further(keys, keys.size("sliding_window_pattern", 6), decoder);
  decoder.query_key_norm = QueryKeyNorm::heads;
  decoder.logits_softcap = read_softcap(keys, "final_logit_softcapping", 0);
  return decoder;
}

}  // namespace gainsweep::model

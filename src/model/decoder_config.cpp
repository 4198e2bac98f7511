#include "model/decoder_config.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/rope_config.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t most_layers = 1024;

/// Heads share out the hidden size, key heads the query heads, and RoPE turns pairs.
void check_heads(const ConfigKeys& keys, const Decoder& decoder, bool explicit_size) {
  const auto heads = std::to_string(decoder.heads);
  if (!explicit_size && decoder.hidden % decoder.heads != 0) {
    keys.refuse("hidden_size " + std::to_string(decoder.hidden) + " is not a multiple of " + heads +
                " num_attention_heads, and there is no head_dim");
  }
  if (decoder.heads % decoder.key_value_heads != 0) {
    keys.refuse("num_attention_heads " + heads + " is not a multiple of num_key_value_heads " +
                std::to_string(decoder.key_value_heads));
  }
  if (decoder.head_size % 2 != 0) {
    keys.refuse("head size " + std::to_string(decoder.head_size) +
                " is odd (rotary embedding turns pairs)");
  }
}

std::int64_t read_longest(const ConfigKeys& keys, const DecoderDefaults& defaults,
                          Decoder& decoder) {
  constexpr const char* key = "max_position_embeddings";
  const auto longest = keys.size(key, defaults.longest, Decoder::longest_context);
  if (!keys.find(key))
    decoder.remarks.push_back(std::string("config.json has no ") + key + ": " +
                              std::to_string(longest) + " positions are taken, as transformers " +
                              "takes for a " + defaults.family);
  return longest;
}

}  // namespace

Decoder read_decoder(const ConfigKeys& keys, const DecoderDefaults& defaults) {
  if (keys.find("quantization_config")) {
    keys.refuse(
        "quantization_config: the weights are quantised already (plans start from a model in "
        "bf16, fp16 or fp32)",
        "Give the checkpoint that it was quantised from");
  }
  const auto activation = keys.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    keys.refuse("hidden_act " + quote(activation) + " is not supported (known is 'silu')",
                "Choose a model with that activation");
  }
  Decoder decoder;
  decoder.family = defaults.family;
  decoder.hidden = keys.size("hidden_size", std::nullopt);
  decoder.intermediate = keys.size("intermediate_size", std::nullopt);
  decoder.layers = keys.size("num_hidden_layers", std::nullopt, most_layers);
  decoder.heads = keys.size("num_attention_heads", std::nullopt);
  const bool as_many = defaults.key_value_heads == 0 || keys.is_null("num_key_value_heads");
  decoder.key_value_heads =
      keys.size("num_key_value_heads", as_many ? decoder.heads : defaults.key_value_heads);
  const auto share = std::max<std::int64_t>(1, decoder.hidden / decoder.heads);
  decoder.head_size = keys.size("head_dim", defaults.head_size == 0 ? share : defaults.head_size);
  decoder.vocabulary = keys.size("vocab_size", std::nullopt, Decoder::longest_context);
  decoder.longest = read_longest(keys, defaults, decoder);
  decoder.tied = keys.flag("tie_word_embeddings");
  decoder.norm_epsilon = keys.positive("rms_norm_eps", 1e-6);
  check_heads(keys, decoder, keys.find("head_dim") != nullptr || defaults.head_size != 0);
  read_rope(keys, decoder);
  return decoder;
}

}  // namespace gainsweep::model

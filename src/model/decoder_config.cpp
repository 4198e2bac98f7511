#include "model/decoder_config.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/decoder_feed_forward.hpp"
#include "model/rope_config.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t most_layers = 1024;

/// Heads share out the hidden size, key heads the query heads.
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
}

std::int64_t read_longest(const ConfigKeys& keys, const DecoderDefaults& defaults,
                          const std::string& key, Decoder& decoder) {
  const auto longest = keys.size(key, defaults.longest, Decoder::longest_context);
  if (!keys.find(key))
    decoder.remarks.push_back("config.json has no " + key + ": " + std::to_string(longest) +
                              " positions are taken, as transformers takes for a " +
                              defaults.family);
  return longest;
}

std::string read_activation(const ConfigKeys& keys, const std::string& key,
                            const std::string& otherwise) {
  auto activation = keys.text(key, otherwise);
  if (!activations().contains(activation)) {
    keys.refuse(key + " " + quote(activation) + " is not supported (known are " +
                    join(activations().names(), [](const auto& name) { return quote(name); }) + ")",
                "Choose a model with one of these activations");
  }
  return activation;
}

void read_sizes(const ConfigKeys& keys, const DecoderDefaults& defaults,
                const DecoderKeys& spelling, Decoder& decoder) {
  decoder.hidden = keys.size(spelling.hidden, std::nullopt);
  if (spelling.intermediate) decoder.intermediate = keys.size(spelling.intermediate, std::nullopt);
  decoder.layers = keys.size(spelling.layers, std::nullopt, most_layers);
  decoder.heads = keys.size(spelling.heads, std::nullopt);
  const bool as_many = defaults.key_value_heads == 0 || keys.is_null("num_key_value_heads");
  decoder.key_value_heads =
      keys.size("num_key_value_heads", as_many ? decoder.heads : defaults.key_value_heads);
  const auto share = std::max<std::int64_t>(1, decoder.hidden / decoder.heads);
  decoder.head_size = keys.size("head_dim", defaults.head_size == 0 ? share : defaults.head_size);
  decoder.vocabulary = keys.size("vocab_size", std::nullopt, Decoder::longest_context);
  check_heads(keys, decoder, keys.find("head_dim") != nullptr || defaults.head_size != 0);
}

}  // namespace

Decoder read_decoder(const ConfigKeys& keys, const DecoderDefaults& defaults,
                     const DecoderKeys& spelling) {
  if (keys.find("quantization_config")) {
    keys.refuse(
        "quantization_config: the weights are quantised already (plans start from a model in "
        "bf16, fp16 or fp32)",
        "Give the checkpoint that it was quantised from");
  }
  Decoder decoder;
  decoder.family = defaults.family;
  read_sizes(keys, defaults, spelling, decoder);
  decoder.activation = read_activation(keys, spelling.activation, defaults.activation);
  decoder.longest = read_longest(keys, defaults, spelling.longest, decoder);
  decoder.tied = keys.flag("tie_word_embeddings", defaults.tied);
  decoder.norm_epsilon = spelling.norm_epsilon
                             ? keys.positive(spelling.norm_epsilon, defaults.norm_epsilon)
                             : defaults.norm_epsilon;
  decoder.rope.theta = defaults.rope_theta;
  if (defaults.rotates)
    read_rope(keys, decoder, defaults.rotates_parts);
  else
    decoder.rotated_share = 0;
  return decoder;
}

std::vector<bool> read_layer_types(const ConfigKeys& keys, std::vector<bool> otherwise) {
  constexpr const char* sliding = "sliding_attention";
  const auto* types = keys.find("layer_types");
  if (!types) return otherwise;
  const auto refuse = [&] {
    keys.refuse("layer_types is not one of 'full_attention' and 'sliding_attention' for each of " +
                std::to_string(otherwise.size()) + " layers");
  };
  if (!types->is_array() || types->size() != otherwise.size()) refuse();
  for (std::size_t layer = 0; layer < otherwise.size(); ++layer) {
    const auto& type = (*types)[layer];
    if (type != sliding && type != "full_attention") refuse();
    otherwise[layer] = type == sliding;
  }
  return otherwise;
}

void set_windows(Decoder& decoder, const std::vector<bool>& windowed, std::int64_t window) {
  decoder.windows.clear();
  for (const bool is : windowed) decoder.windows.push_back(is ? window : 0);
}

}  // namespace gainsweep::model

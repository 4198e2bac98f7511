#include "model/decoder_config.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

constexpr std::int64_t most_layers = 1024;
constexpr std::int64_t longest_context = 1 << 28;

/// transformers' precedence: `rope_scaling` unless empty, else `rope_parameters`.
const json& rope_object(const ConfigKeys& keys, std::string& name) {
  static const json none = json::object();
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const json* value = keys.find(key);
    if (!value || (value->is_object() && value->empty())) continue;
    name = key;
    return *value;
  }
  return none;
}

void read_rope(const ConfigKeys& keys, Decoder& decoder) {
  std::string name;
  const json& object = rope_object(keys, name);
  const ConfigKeys rope(object, keys.where() + (name.empty() ? "" : ": " + name));
  decoder.rope_theta = rope.positive("rope_theta", keys.positive("rope_theta", 10000.0));
  const double rotated =
      rope.positive("partial_rotary_factor", keys.positive("partial_rotary_factor", 1.0));
  if (rotated != 1) rope.refuse("partial_rotary_factor other than 1 is not supported");
  const auto type = rope.text("rope_type", rope.text("type", "default"));
  if (type == "default") return;
  if (type != "llama3") {
    rope.refuse("rope_type " + quote(type) + " is not supported (known are 'default', 'llama3')");
  }
  RopeScaling scaling;
  scaling.factor = rope.positive("factor", std::nullopt);
  scaling.low_frequency_factor = rope.positive("low_freq_factor", std::nullopt);
  scaling.high_frequency_factor = rope.positive("high_freq_factor", std::nullopt);
  if (scaling.high_frequency_factor <= scaling.low_frequency_factor) {
    rope.refuse("high_freq_factor is not above low_freq_factor");
  }
  constexpr const char* original = "original_max_position_embeddings";
  scaling.original_length =
      keys.size(original, rope.size(original, decoder.longest, longest_context), longest_context);
  decoder.rope_scaling = scaling;
}

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

}  // namespace

Decoder read_decoder(const ConfigKeys& keys) {
  if (keys.find("quantization_config")) {
    keys.refuse(
        "quantization_config: the weights are quantised already (plans start from a model in "
        "bf16, fp16 or fp32)");
  }
  Decoder decoder;
  decoder.hidden = keys.size("hidden_size", std::nullopt);
  decoder.intermediate = keys.size("intermediate_size", std::nullopt);
  decoder.layers = keys.size("num_hidden_layers", std::nullopt, most_layers);
  decoder.heads = keys.size("num_attention_heads", std::nullopt);
  decoder.key_value_heads = keys.size("num_key_value_heads", decoder.heads);
  decoder.head_size =
      keys.size("head_dim", std::max<std::int64_t>(1, decoder.hidden / decoder.heads));
  decoder.vocabulary = keys.size("vocab_size", std::nullopt, longest_context);
  decoder.longest = keys.size("max_position_embeddings", std::nullopt, longest_context);
  decoder.tied = keys.flag("tie_word_embeddings");
  check_heads(keys, decoder, keys.find("head_dim") != nullptr);
  read_rope(keys, decoder);
  return decoder;
}

}  // namespace gainsweep::model

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/mapped_file.hpp"
#include "model/llama.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

// Far above every model, and small enough that products of three sizes fit 64 bits.
constexpr std::int64_t largest_size = 1 << 20;
constexpr std::int64_t most_layers = 1024;
constexpr std::int64_t longest_context = 1 << 28;

/// Typed look-ups in one JSON object; a null counts as absent, as in transformers.
class Keys {
 public:
  /// `where` is the file, with the key of the object inside it.
  Keys(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) refuse("not a JSON object");
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::input,
                where_ + ": " + what + ". Check that this is the config.json of a Llama model.");
  }

  const json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  std::int64_t size(const std::string& key, std::optional<std::int64_t> fallback,
                    std::int64_t most = largest_size) const {
    const json* value = look_up(key, fallback.has_value());
    if (!value) return *fallback;
    if (!value->is_number_unsigned() || *value < 1 || *value > static_cast<std::uint64_t>(most)) {
      refuse("key '" + key + "' is not a whole number from 1 to " + std::to_string(most));
    }
    return *value;
  }

  double positive(const std::string& key, std::optional<double> fallback) const {
    const json* value = look_up(key, fallback.has_value());
    if (!value) return *fallback;
    if (!value->is_number() || !(value->get<double>() > 0)) {
      refuse("key '" + key + "' is not a positive number");
    }
    return *value;
  }

  bool flag(const std::string& key) const {
    const json* value = look_up(key, true);
    if (!value) return false;
    if (!value->is_boolean()) refuse("key '" + key + "' is not true or false");
    return *value;
  }

  std::string text(const std::string& key, const std::string& fallback) const {
    const json* value = look_up(key, true);
    if (!value) return fallback;
    if (!value->is_string()) refuse("key '" + key + "' is not a text");
    return *value;
  }

  const std::string& where() const { return where_; }

 private:
  const json* look_up(const std::string& key, bool optional) const {
    const json* value = find(key);
    if (!value && !optional) refuse("key '" + key + "' is missing");
    return value;
  }

  const json& object_;
  std::string where_;
};

void check_supported(const Keys& keys) {
  const auto type = keys.text("model_type", "");
  if (type != "llama") {
    keys.refuse("model_type " + quote(type) + " is not supported (known is 'llama')");
  }
  const auto activation = keys.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    keys.refuse("hidden_act " + quote(activation) + " is not supported (known is 'silu')");
  }
  if (keys.find("quantization_config")) {
    keys.refuse(
        "quantization_config: the weights are quantised already (plans start from a model in "
        "bf16, fp16 or fp32)");
  }
}

/// transformers' precedence: `rope_scaling` unless empty, else `rope_parameters`.
const json& rope_object(const Keys& keys, std::string& name) {
  static const json none = json::object();
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const json* value = keys.find(key);
    if (!value || (value->is_object() && value->empty())) continue;
    name = key;
    return *value;
  }
  return none;
}

void read_rope(const Keys& keys, LlamaConfig& config) {
  std::string name;
  const json& object = rope_object(keys, name);
  const Keys rope(object, keys.where() + (name.empty() ? "" : ": " + name));
  config.rope_theta = rope.positive("rope_theta", keys.positive("rope_theta", 10000.0));
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
      keys.size(original, rope.size(original, config.longest, longest_context), longest_context);
  config.rope_scaling = scaling;
}

/// Heads share out the hidden size, key heads the query heads, and RoPE turns pairs.
void check_heads(const Keys& keys, const LlamaConfig& config, bool explicit_size) {
  const auto heads = std::to_string(config.heads);
  if (!explicit_size && config.hidden % config.heads != 0) {
    keys.refuse("hidden_size " + std::to_string(config.hidden) + " is not a multiple of " + heads +
                " num_attention_heads, and there is no head_dim");
  }
  if (config.heads % config.key_value_heads != 0) {
    keys.refuse("num_attention_heads " + heads + " is not a multiple of num_key_value_heads " +
                std::to_string(config.key_value_heads));
  }
  if (config.head_size % 2 != 0) {
    keys.refuse("head size " + std::to_string(config.head_size) +
                " is odd (rotary embedding turns pairs)");
  }
}

}  // namespace

LlamaConfig read_config(const std::filesystem::path& file) {
  return parse_config(disk::MappedFile::open(file).text(), file);
}

LlamaConfig parse_config(std::string_view text, const std::filesystem::path& file) {
  const json object = parse_json(text, file);
  const Keys keys(object, file.string());
  check_supported(keys);
  LlamaConfig config;
  config.hidden = keys.size("hidden_size", std::nullopt);
  config.intermediate = keys.size("intermediate_size", std::nullopt);
  config.layers = keys.size("num_hidden_layers", std::nullopt, most_layers);
  config.heads = keys.size("num_attention_heads", std::nullopt);
  config.key_value_heads = keys.size("num_key_value_heads", config.heads);
  config.head_size = keys.size("head_dim", std::max<std::int64_t>(1, config.hidden / config.heads));
  config.vocabulary = keys.size("vocab_size", std::nullopt, longest_context);
  config.longest = keys.size("max_position_embeddings", std::nullopt, longest_context);
  config.norm_epsilon = keys.positive("rms_norm_eps", 1e-6);
  config.tied = keys.flag("tie_word_embeddings");
  config.attention_bias = keys.flag("attention_bias");
  config.feed_forward_bias = keys.flag("mlp_bias");
  check_heads(keys, config, keys.find("head_dim") != nullptr);
  read_rope(keys, config);
  return config;
}

}  // namespace gainsweep::model

#include "model/rope_config.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/table.hpp"
#include "base/text.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

constexpr const char* original_key = "original_max_position_embeddings";

/// Where the parameters of one type are read from.
struct Source {
  const ConfigKeys& config;
  const ConfigKeys& rope;  ///< `rope_scaling` or `rope_parameters`
  const Decoder& decoder;

  double factor() const { return rope.positive("factor", std::nullopt); }

  /// The length before stretching; the key's older place has precedence, as in transformers.
  std::int64_t original_length() const {
    const auto most = Decoder::longest_context;
    return config.size(original_key, rope.size(original_key, decoder.longest, most), most);
  }
};

/// What a type makes of a source, and for how many positions a model is then made.
struct Stretch {
  RopeScaling scaling{};
  double longest = 0;
};

/// A `rope_type`.
struct RopeType {
  std::string name;
  std::function<Stretch(const Source&)> read;
};

Stretch read_linear(const Source& source) {
  const double factor = source.factor();
  if (factor == 1) return {};
  return {LinearRope{factor}, factor * static_cast<double>(source.decoder.longest)};
}

Stretch read_dynamic(const Source& source) {
  const DynamicRope dynamic{source.factor(), source.decoder.longest};
  if (source.decoder.head_size < 4)
    source.rope.refuse("rope_type 'dynamic' needs heads of 4 or more numbers, and these have " +
                       std::to_string(source.decoder.head_size));
  return {dynamic, dynamic.factor * static_cast<double>(dynamic.trained_length)};
}

Stretch read_llama3(const Source& source) {
  Llama3Rope llama3;
  llama3.factor = source.factor();
  llama3.low_frequency_factor = source.rope.positive("low_freq_factor", std::nullopt);
  llama3.high_frequency_factor = source.rope.positive("high_freq_factor", std::nullopt);
  if (llama3.high_frequency_factor <= llama3.low_frequency_factor)
    source.rope.refuse("high_freq_factor is not above low_freq_factor");
  llama3.original_length = source.original_length();
  return {llama3};
}

/// YaRN's recommended growth of the attention's logarithms.
double magnitude(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1;
}

double read_attention_factor(const ConfigKeys& rope, double factor) {
  const double scale = rope.number("mscale", 0);
  const double scale_of_all = rope.number("mscale_all_dim", 0);
  const double recommended = scale != 0 && scale_of_all != 0
                                 ? magnitude(factor, scale) / magnitude(factor, scale_of_all)
                                 : magnitude(factor, 1);
  const double given = rope.number("attention_factor", recommended);
  if (!(given > 0) || !std::isfinite(given))
    rope.refuse("attention_factor is " + shortest(given) + ", which is not a positive number");
  return given;
}

/// 0 stands for the recommended number, as in transformers.
double read_beta(const ConfigKeys& rope, const std::string& key, double recommended) {
  const double given = rope.number(key, recommended);
  if (given < 0) rope.refuse("key '" + key + "' is negative");
  return given == 0 ? recommended : given;
}

Stretch read_yarn(const Source& source) {
  YarnRope yarn;
  yarn.original_length = source.original_length();
  const auto original = static_cast<double>(yarn.original_length);
  yarn.factor =
      source.rope.positive("factor", static_cast<double>(source.decoder.longest) / original);
  yarn.beta_fast = read_beta(source.rope, "beta_fast", yarn.beta_fast);
  yarn.beta_slow = read_beta(source.rope, "beta_slow", yarn.beta_slow);
  if (yarn.beta_fast < yarn.beta_slow) source.rope.refuse("beta_fast is below beta_slow");
  if (source.decoder.rope.theta <= 1)
    source.rope.refuse("rope_type 'yarn' needs a rope_theta above 1");
  yarn.attention_factor = read_attention_factor(source.rope, yarn.factor);
  yarn.truncate = source.rope.flag("truncate", true);
  return {yarn, yarn.factor * original};
}

const Table<RopeType>& rope_types() {
  static const Table<RopeType> table{{"default", [](const Source&) { return Stretch{}; }},
                                     {"linear", read_linear},
                                     {"dynamic", read_dynamic},
                                     {"llama3", read_llama3},
                                     {"yarn", read_yarn}};
  return table;
}

/// transformers' precedence: `rope_scaling` unless empty, else `rope_parameters`.
const json& rope_object(const ConfigKeys& keys, std::string& name) {
  static const json none = json::object();
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const json* value = keys.find(key);
    if (value && !(value->is_object() && value->empty())) name = key;
  }
  return name.empty() ? none : *keys.find(name);
}

const RopeType& type_of(const ConfigKeys& rope) {
  const auto old_spelling = rope.text("type", "default");
  const auto type = rope.text("rope_type", old_spelling);
  if (!rope_types().contains(type))
    rope.refuse("rope_type " + quote(type) + " is not supported (known are " +
                    join(rope_types().names(), [](const auto& name) { return quote(name); }) + ")",
                "Choose a model with one of these; positions turned in another way would be "
                "another function");
  return rope_types().at(type);
}

}  // namespace

void read_rope(const ConfigKeys& keys, Decoder& decoder) {
  std::string name;
  const json& object = rope_object(keys, name);
  const ConfigKeys rope(object, keys.where() + (name.empty() ? "" : ": " + name));
  decoder.rope.theta = rope.positive("rope_theta", keys.positive("rope_theta", 10000.0));
  const double rotated =
      rope.positive("partial_rotary_factor", keys.positive("partial_rotary_factor", 1.0));
  if (rotated != 1)
    rope.refuse("partial_rotary_factor other than 1 is not supported",
                "Choose a model that rotates whole heads");
  const auto stretch = type_of(rope).read({keys, rope, decoder});
  decoder.rope.scaling = stretch.scaling;
  const double most = static_cast<double>(Decoder::longest_context);
  decoder.longest = std::max(
      decoder.longest, static_cast<std::int64_t>(std::min(std::floor(stretch.longest), most)));
  for (const auto& key : rope.unread()) decoder.unread_keys.push_back(name + "." + key);
}

}  // namespace gainsweep::model

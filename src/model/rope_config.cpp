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

/// How many numbers of a head turn.
std::int64_t rotated_size(const Decoder& decoder) {
  return static_cast<std::int64_t>(static_cast<double>(decoder.head_size) * decoder.rotated_share);
}

Stretch read_linear(const Source& source) {
  const double factor = source.factor();
  if (factor == 1) return {};
  return {LinearRope{factor}, factor * static_cast<double>(source.decoder.longest)};
}

Stretch read_dynamic(const Source& source) {
  const DynamicRope dynamic{source.factor(), source.decoder.longest};
  if (rotated_size(source.decoder) < 4)
    source.rope.refuse("rope_type 'dynamic' needs heads of 4 or more numbers, and these have " +
                       std::to_string(rotated_size(source.decoder)));
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

double recommended_factor(const ConfigKeys& rope, double factor) {
  const double scale = rope.number("mscale", 0);
  const double scale_of_all = rope.number("mscale_all_dim", 0);
  return scale != 0 && scale_of_all != 0
             ? magnitude(factor, scale) / magnitude(factor, scale_of_all)
             : magnitude(factor, 1);
}

double read_attention_factor(const ConfigKeys& rope, double recommended) {
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
  yarn.attention_factor =
      read_attention_factor(source.rope, recommended_factor(source.rope, yarn.factor));
  yarn.truncate = source.rope.flag("truncate", true);
  return {yarn, yarn.factor * original};
}

/// A number for each pair.
std::vector<double> read_factors(const Source& source, const char* key) {
  const auto pairs = static_cast<std::size_t>(rotated_size(source.decoder) / 2);
  const json* list = source.rope.find(key);
  std::vector<double> factors;
  if (list && list->is_array()) {
    for (const auto& number : *list)
      if (number.is_number() && number.get<double>() > 0) factors.push_back(number);
  }
  if (factors.size() != pairs || list->size() != pairs)
    source.rope.refuse(std::string("key '") + key + "' is not a list of " + std::to_string(pairs) +
                       " positive numbers, one for each pair that turns");
  return factors;
}

Stretch read_longrope(const Source& source) {
  if (!source.config.find(original_key) && !source.rope.find(original_key))
    source.rope.refuse(std::string("key '") + original_key + "' is missing");
  LongRope rope;
  rope.short_factors = read_factors(source, "short_factor");
  rope.long_factors = read_factors(source, "long_factor");
  rope.original_length = source.original_length();
  const auto original = static_cast<double>(rope.original_length);
  const double factor =
      source.rope.positive("factor", static_cast<double>(source.decoder.longest) / original);
  rope.attention_factor = read_attention_factor(
      source.rope, factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(original)));
  return {rope};
}

const Table<RopeType>& rope_types() {
  static const Table<RopeType> table{{"default", [](const Source&) { return Stretch{}; }},
                                     {"linear", read_linear},
                                     {"dynamic", read_dynamic},
                                     {"llama3", read_llama3},
                                     {"yarn", read_yarn},
                                     {"longrope", read_longrope},
                                     {"su", read_longrope}};
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

void read_rotated_share(const ConfigKeys& keys, const ConfigKeys& rope, bool parts,
                        Decoder& decoder) {
  decoder.rotated_share =
      rope.positive("partial_rotary_factor", keys.positive("partial_rotary_factor", 1.0));
  if (!parts && decoder.rotated_share != 1)
    rope.refuse("partial_rotary_factor other than 1 is not supported",
                "Choose a model that rotates whole heads");
  if (decoder.rotated_share > 1 || rotated_size(decoder) == 0)
    rope.refuse("partial_rotary_factor " + shortest(decoder.rotated_share) +
                " is no part of a head of " + std::to_string(decoder.head_size) + " numbers");
}

Rope read_type(const ConfigKeys& keys, const ConfigKeys& rope, double theta, Decoder& decoder) {
  if (rotated_size(decoder) % 2 != 0)
    keys.refuse((decoder.rotated_share == 1 ? "head size " : "what turns of a head, ") +
                std::to_string(rotated_size(decoder)) +
                (decoder.rotated_share == 1 ? "" : " numbers,") +
                " is odd (rotary embedding turns pairs)");
  decoder.rope.theta = rope.positive("rope_theta", theta);
  const auto stretch = type_of(rope).read({keys, rope, decoder});
  const double most = static_cast<double>(Decoder::longest_context);
  decoder.longest = std::max(
      decoder.longest, static_cast<std::int64_t>(std::min(std::floor(stretch.longest), most)));
  return {decoder.rope.theta, stretch.scaling};
}

}  // namespace

void read_rope(const ConfigKeys& keys, Decoder& decoder, bool parts) {
  std::string name;
  const json& object = rope_object(keys, name);
  const ConfigKeys rope(object, keys.where() + (name.empty() ? "" : ": " + name));
  read_rotated_share(keys, rope, parts, decoder);
  decoder.rope = read_type(keys, rope, keys.positive("rope_theta", decoder.rope.theta), decoder);
  for (const auto& key : rope.unread()) decoder.unread_keys.push_back(name + "." + key);
}

Rope read_rope_of(const ConfigKeys& keys, const std::string& name, const json& object, double theta,
                  Decoder& decoder) {
  const ConfigKeys rope(object, keys.where() + ": " + name);
  const auto read = read_type(keys, rope, theta, decoder);
  for (const auto& key : rope.unread()) decoder.unread_keys.push_back(name + "." + key);
  return read;
}

}  // namespace gainsweep::model

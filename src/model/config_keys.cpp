#include "model/config_keys.hpp"

#include "base/error.hpp"

namespace gainsweep::model {

using nlohmann::json;

ConfigKeys::ConfigKeys(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) refuse("not a JSON object");
}

void ConfigKeys::refuse(const std::string& what) const {
  throw Error(ErrorKind::input, where_ + ": " + what +
                                    ". Check that this is the config.json of a model of a known "
                                    "family.");
}

const json* ConfigKeys::find(const std::string& key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::int64_t ConfigKeys::size(const std::string& key, std::optional<std::int64_t> fallback,
                              std::int64_t most) const {
  const json* value = look_up(key, fallback.has_value());
  if (!value) return *fallback;
  if (!value->is_number_unsigned() || *value < 1 || *value > static_cast<std::uint64_t>(most)) {
    refuse("key '" + key + "' is not a whole number from 1 to " + std::to_string(most));
  }
  return *value;
}

double ConfigKeys::positive(const std::string& key, std::optional<double> fallback) const {
  const json* value = look_up(key, fallback.has_value());
  if (!value) return *fallback;
  if (!value->is_number() || !(value->get<double>() > 0)) {
    refuse("key '" + key + "' is not a positive number");
  }
  return *value;
}

bool ConfigKeys::flag(const std::string& key) const {
  const json* value = look_up(key, true);
  if (!value) return false;
  if (!value->is_boolean()) refuse("key '" + key + "' is not true or false");
  return *value;
}

std::string ConfigKeys::text(const std::string& key, const std::string& fallback) const {
  const json* value = look_up(key, true);
  if (!value) return fallback;
  if (!value->is_string()) refuse("key '" + key + "' is not a text");
  return *value;
}

const json* ConfigKeys::look_up(const std::string& key, bool optional) const {
  const json* value = find(key);
  if (!value && !optional) refuse("key '" + key + "' is missing");
  return value;
}

}  // namespace gainsweep::model

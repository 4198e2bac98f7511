#include "model/config_keys.hpp"

#include "base/error.hpp"

namespace gainsweep::model {

using nlohmann::json;

ConfigKeys::ConfigKeys(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) refuse("not a JSON object");
}

void ConfigKeys::refuse(const std::string& what, const std::string& advice) const {
  throw Error(ErrorKind::input,
              where_ + ": " + what + ". " +
                  (advice.empty() ? "Check that this is the config.json that was saved with the "
                                    "weights, as transformers writes it"
                                  : advice) +
                  ".");
}

const json* ConfigKeys::find(const std::string& key) const {
  read_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigKeys::is_null(const std::string& key) const {
  const auto found = object_.find(key);
  return found != object_.end() && found->is_null();
}

std::int64_t ConfigKeys::size(const std::string& key, std::optional<std::int64_t> fallback,
                              std::int64_t most, std::int64_t least) const {
  const json* value = look_up(key, fallback.has_value());
  if (!value) return *fallback;
  if (!value->is_number_unsigned() || *value < static_cast<std::uint64_t>(least) ||
      *value > static_cast<std::uint64_t>(most)) {
    refuse("key '" + key + "' is not a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
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

double ConfigKeys::number(const std::string& key, double fallback) const {
  const json* value = look_up(key, true);
  if (!value) return fallback;
  if (!value->is_number()) refuse("key '" + key + "' is not a number");
  return *value;
}

bool ConfigKeys::flag(const std::string& key, bool fallback) const {
  const json* value = look_up(key, true);
  if (!value) return fallback;
  if (!value->is_boolean()) refuse("key '" + key + "' is not true or false");
  return *value;
}

std::string ConfigKeys::text(const std::string& key, const std::string& fallback) const {
  const json* value = look_up(key, true);
  if (!value) return fallback;
  if (!value->is_string()) refuse("key '" + key + "' is not a text");
  return *value;
}

std::vector<std::string> ConfigKeys::unread() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object_.items())
    if (!value.is_null() && !read_.contains(key)) keys.push_back(key);
  return keys;
}

const json* ConfigKeys::look_up(const std::string& key, bool optional) const {
  const json* value = find(key);
  if (!value && !optional) refuse("key '" + key + "' is missing");
  return value;
}

}  // namespace gainsweep::model

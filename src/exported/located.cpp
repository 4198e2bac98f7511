#include "exported/located.hpp"

#include <limits>

#include "base/text.hpp"

namespace gainsweep::exported {

using nlohmann::json;

Located::Located(const json& value, const Located& parent, const std::string& step)
    : value_(&value), file_(parent.file_), member_(parent.member_), place_(parent.place_ + step) {}

void Located::refuse(const std::string& what, const std::string& advice) const {
  auto place = one_line(place_.starts_with('.') ? place_.substr(1) : place_);
  constexpr std::size_t most = 200;
  if (place.size() > most) place = quote(place, most);
  exported::refuse(*file_, one_line(*member_) + ": " + (place.empty() ? "" : place + " ") + what,
                   advice);
}

bool Located::has(const std::string& key) const {
  if (!value_->is_object()) refuse("is no object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

Located Located::at(const std::string& key) const {
  if (!has(key)) refuse("has no " + quote(key));
  return Located(value_->at(key), *this, "." + key);
}

std::pair<std::string, Located> Located::only() const {
  if (!value_->is_object() || value_->size() != 1) refuse("is no object of one key");
  const auto& key = value_->begin().key();
  return {key, Located(value_->begin().value(), *this, "." + key)};
}

std::vector<Located> Located::list() const {
  if (!value_->is_array()) refuse("is no list");
  std::vector<Located> items;
  for (std::size_t i = 0; i < value_->size(); ++i)
    items.push_back(Located((*value_)[i], *this, "[" + std::to_string(i) + "]"));
  return items;
}

std::vector<std::pair<std::string, Located>> Located::entries() const {
  if (!value_->is_object()) refuse("is no object");
  std::vector<std::pair<std::string, Located>> found;
  for (const auto& [key, value] : value_->items())
    found.emplace_back(key, Located(value, *this, "." + key));
  return found;
}

std::string Located::text() const {
  if (!value_->is_string()) refuse("is no text");
  return value_->get<std::string>();
}

bool Located::boolean() const {
  if (!value_->is_boolean()) refuse("is neither true nor false");
  return value_->get<bool>();
}

std::int64_t Located::integer() const {
  const bool fits = value_->is_number_integer() &&
                    !(value_->is_number_unsigned() &&
                      value_->get<std::uint64_t>() >
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) refuse("is no 64-bit integer");
  return value_->get<std::int64_t>();
}

double Located::real() const {
  if (value_->is_number()) return value_->get<double>();
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  const std::string word = value_->is_string() ? value_->get<std::string>() : "";
  if (word == "Infinity") return infinity;
  if (word == "-Infinity") return -infinity;
  if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  refuse("is no number");
}

}  // namespace gainsweep::exported

#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "exported/refusal.hpp"

namespace gainsweep::exported {

/// A JSON value with its place, which errors name: "FILE: MEMBER: a.b[3] is …". Readers give
/// Error(input) for a value of another type. Refers to the value, the file and the member.
class Located {
 public:
  Located(const nlohmann::json& value, const std::filesystem::path& file, const std::string& member)
      : value_(&value), file_(&file), member_(&member) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& advice = save_again) const;

  bool is_null() const { return value_->is_null(); }
  /// Whether an object has a key with a value that is not null.
  bool has(const std::string& key) const;
  Located at(const std::string& key) const;
  /// The one key of an object of one, and its value: the schema's unions.
  std::pair<std::string, Located> only() const;
  std::vector<Located> list() const;
  std::vector<std::pair<std::string, Located>> entries() const;

  std::string text() const;
  bool boolean() const;
  std::int64_t integer() const;
  /// A number, or one of the texts that stand for those that JSON does not have.
  double real() const;

 private:
  Located(const nlohmann::json& value, const Located& parent, const std::string& step);
  const nlohmann::json* value_;
  const std::filesystem::path* file_;
  const std::string* member_;
  std::string place_;
};

}  // namespace gainsweep::exported

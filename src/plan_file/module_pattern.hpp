#pragma once

#include <filesystem>
#include <regex>
#include <string>

namespace gainsweep::plan_file {

/// How compressed-tensors names modules: by a whole name, by `re:` and an expression that matches
/// from the start but not to the end, or by the class `Linear`, all linear layers.
class ModulePattern {
 public:
  /// Error(input) naming file and key for an expression that is none, or whose repetitions could
  /// take very long.
  static ModulePattern of(const std::string& text, const std::string& key,
                          const std::filesystem::path& file);

  bool matches(const std::string& module) const;
  bool is_name() const { return kind_ == Kind::name; }
  const std::string& text() const { return text_; }

 private:
  enum class Kind { name, expression, linear };

  ModulePattern(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  std::string text_;
  std::regex expression_{};
};

}  // namespace gainsweep::plan_file

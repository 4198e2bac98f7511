#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gainsweep::model {

/// Typed look-ups in one JSON object of a config.json; a null counts as absent, as in
/// transformers. Error(input) naming where and key for anything missing or ill-typed.
class ConfigKeys {
 public:
  /// Far above every model, and small enough that products of three sizes fit 64 bits.
  static constexpr std::int64_t largest_size = 1 << 20;

  /// `where` is the file, with the key of the object inside it. The object outlives this.
  ConfigKeys(const nlohmann::json& object, std::string where);

  /// `advice` without a full stop; for wrong values that of a file that may be another model's.
  [[noreturn]] void refuse(const std::string& what, const std::string& advice = "") const;

  /// Null where the key is absent.
  const nlohmann::json* find(const std::string& key) const;

  /// Whether a key is there and null: some families take that for none, and absence for a default.
  bool is_null(const std::string& key) const;

  /// A whole number from `least` to `most`.
  std::int64_t size(const std::string& key, std::optional<std::int64_t> fallback,
                    std::int64_t most = largest_size, std::int64_t least = 1) const;
  double positive(const std::string& key, std::optional<double> fallback) const;
  /// Of any sign, not infinite.
  double number(const std::string& key, double fallback) const;
  bool flag(const std::string& key, bool fallback = false) const;
  std::string text(const std::string& key, const std::string& fallback) const;

  /// Keys with a value that nobody looked up, in order of names.
  std::vector<std::string> unread() const;

  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* look_up(const std::string& key, bool optional) const;

  const nlohmann::json& object_;
  std::string where_;
  mutable std::set<std::string> read_;
};

}  // namespace gainsweep::model

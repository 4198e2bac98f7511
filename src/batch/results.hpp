#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::batch {

/// Records of finished and failed units by key, of all points of a run.
class Results {
 public:
  /// A unit that failed in one run and succeeded in another has succeeded.
  void add(archive::Record record);
  /// As if the unit had never been done.
  void forget(const std::string& key);

  /// The record of a unit that succeeded; null for a missing or failed one. Valid until the unit is
  /// forgotten.
  const archive::Record* find(const std::string& key) const;
  /// Why a unit failed; nothing for a missing or finished one.
  std::optional<std::string> failure(const std::string& key) const;
  /// Whether a unit finished or failed.
  bool is_over(const std::string& key) const { return records_.count(key) > 0; }
  /// The record of a unit that is over.
  const archive::Record& stored(const std::string& key) const { return records_.at(key); }

  std::size_t size() const { return records_.size(); }
  /// Changes whenever what is known of a table changes; failures are a table too. Groups of tables
  /// ("plans" for "plans/a" and "plans/b") count as one.
  std::uint64_t stamp(const std::string& group) const;

 private:
  std::map<std::string, archive::Record> records_;
  std::map<std::string, std::uint64_t> stamps_;
};

/// A value made from records, made again only when the groups of tables it comes from have changed.
/// It belongs to the point that can read those records; `Results` knows no domain.
template <class T>
class Memo {
 public:
  explicit Memo(std::vector<std::string> groups) : groups_(std::move(groups)) {}

  /// `make()`, or what it gave for the same records.
  template <class Make>
  const T& get(const Results& results, const Make& make) {
    std::vector<std::uint64_t> stamps;
    for (const auto& group : groups_) stamps.push_back(results.stamp(group));
    if (!value_ || stamps != stamps_) {
      value_.emplace(make());
      stamps_ = std::move(stamps);
    }
    return *value_;
  }

 private:
  std::vector<std::string> groups_;
  std::vector<std::uint64_t> stamps_;
  std::optional<T> value_;
};

}  // namespace gainsweep::batch

#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace gainsweep::config {

/// What a YAML file is, for messages.
struct FileKind {
  std::string noun = "a spec";
  std::string example = "configs/embedded.yaml";
};

/// Everything that is wrong with one file, collected so that it is reported together.
class Problems {
 public:
  /// `settings` are those of the spec's source; the i-th stands on line -1-i.
  explicit Problems(std::string file, std::vector<std::string> settings = {}, FileKind kind = {})
      : file_(std::move(file)), settings_(std::move(settings)), kind_(std::move(kind)) {}

  const FileKind& kind() const { return kind_; }

  /// Notes a problem of the key at `path` (empty: of the whole file) on a line counted from 1.
  /// `what` follows the grammar of gainsweep::Error. The same again (points of a sweep share most
  /// of a spec) counts once.
  void add(int line, const std::string& path, const std::string& what);

  /// What was noted, in the order of noting.
  std::vector<std::string> texts() const;

  /// Whether there are more than a message shows, so that nobody needs to look for others.
  bool are_many() const;

  /// Whether the key at `path`, a key inside it or one it is inside of has a problem.
  bool touch(const std::string& path) const;

  /// Error(config) with one problem a line, `file:line: path: what` or `--set setting: path: what`,
  /// in the order of the lines, if there is any. Very many are cut short and counted.
  void throw_if_any() const;

 private:
  struct Problem {
    int line;
    std::string path;
    std::string what;
    auto operator<=>(const Problem&) const = default;
  };
  std::string place(int line) const;

  std::string file_;
  std::vector<std::string> settings_;
  FileKind kind_;
  std::map<Problem, std::size_t> places_;  ///< of each in the order of noting
};

/// A user's text for a message: in single quotes, one line, shortened when long.
std::string shown(const std::string& text);
/// A user's key as a part of a path: as it is where it is short and plain, else as a text.
std::string shown_key(const std::string& key);

}  // namespace gainsweep::config

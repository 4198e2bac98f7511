#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "digest/file_state.hpp"

namespace gainsweep::digest {

/// A file that changed this shortly before it was looked at is not remembered: a second change
/// could get the same times. Longer than any file system's tick, than a mapped page stays dirty,
/// than a network file system's attributes stay cached and than clocks usually differ.
constexpr std::chrono::seconds settling_time{60};

/// Now, since the epoch, by the clock that files are dated with.
std::int64_t now_ns();

/// Digests of files by their states, in a folder that other processes use at the same time and
/// anybody may delete. An entry holds the whole state and a seal; one that does not match to the
/// byte is as good as none. Trouble with the folder is no error: then nothing is remembered.
class Cache {
 public:
  /// Without a folder nothing is ever found.
  explicit Cache(std::optional<std::filesystem::path> folder) : folder_(std::move(folder)) {}

  /// `$XDG_CACHE_HOME/gainsweep` or `$HOME/.cache/gainsweep`; none where neither path is absolute.
  static std::optional<std::filesystem::path> user_folder();

  /// The digest of a file in this very state.
  std::optional<std::string> find(const FileState& state) const;
  /// Remembers the digest of a file that was in this state from `seen_ns` on until it had been
  /// read, unless it had changed within settling_time before or its file system does not date
  /// changes.
  void store(const FileState& state, std::int64_t seen_ns, const std::string& digest) const;

 private:
  std::filesystem::path entry_of(const FileState& state) const;

  std::optional<std::filesystem::path> folder_;
};

}  // namespace gainsweep::digest

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "digest/cache.hpp"

namespace gainsweep::digest {

/// Digests (of_file) by path.
using FileDigests = std::map<std::filesystem::path, std::string>;

/// Files whose digests are wanted, found in steps that several processes can share:
///   states() equal everywhere → learn(known() of all) → complete(hash() of all, in part order).
/// Files may be split anywhere between two blocks, so one large file keeps all of them busy.
class FileSet {
 public:
  /// Takes the files' states and looks them up. Error(input) naming a file that cannot be read.
  FileSet(std::vector<std::filesystem::path> files, Cache cache);

  /// Equal in two processes of one machine only where both have the same files before them.
  std::string states() const;
  /// The digests found so far, of fixed length for a number of files.
  std::string known() const;
  /// Takes over what another process with equal states() found.
  void learn(std::string_view known);

  /// Digests of the blocks of one part of `parts`, over all files still unknown; reads nothing
  /// else. Error(input) naming a file that cannot be read or changed since its state was taken.
  std::string hash(std::size_t part, std::size_t parts, int num_threads) const;
  /// Makes the unknown digests of the results of hash(), in the order of parts; remembers them in
  /// the cache where `remember`.
  void complete(const std::vector<std::string>& hashed, bool remember);

  /// All digests. Error(internal) before complete().
  FileDigests digests() const;

 private:
  struct Entry {
    std::filesystem::path path;
    FileState state;
    std::optional<std::string> digest;
  };
  std::size_t num_unknown_blocks() const;

  Cache cache_;
  std::int64_t seen_ns_;
  std::vector<Entry> entries_;
};

/// The digests of files, from the cache or read by this process alone. Error(input) as FileSet.
FileDigests of_files(const std::vector<std::filesystem::path>& files, int num_threads,
                     const Cache& cache);

}  // namespace gainsweep::digest

#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::archive {

/// Finished units on their way to the archive: small closed files `<folder>/parts/<sha256>.h5`.
/// Records are buffered and written every 64 units or 20 s, and by `flush`.
class PartWriter {
 public:
  explicit PartWriter(std::filesystem::path folder);

  /// Buffers one record; writes a part when the buffer is due. Error(environment) naming the path
  /// when the disk refuses; the buffer is kept, so that a later flush may succeed.
  void add(Record record);
  /// Writes what is buffered: temporary name, fsync, rename. No-op when empty.
  void flush();

 private:
  std::filesystem::path folder_;
  std::vector<Record> buffer_;
  std::chrono::steady_clock::time_point oldest_;
};

/// All records of a folder's parts; of a key stored twice one. Parts whose content does not match
/// the digest in their name are left out and named in `damaged`.
struct StoredRecords {
  std::vector<Record> records;
  std::vector<std::filesystem::path> damaged;
};
StoredRecords read_parts(const std::filesystem::path& folder);

/// An exclusive flock on `<folder>/lock`, with its holder's host and process id inside. Released by
/// the destructor or the process's end. Error(environment) naming the holder when taken.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(FolderLock&&) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

}  // namespace gainsweep::archive

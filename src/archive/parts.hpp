#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::archive {

/// Finished units on their way to the archive: small closed files `<folder>/parts/<sha256>.h5`.
/// Records are buffered; `add` writes them when there are 64 or the last part is 20 s old, `flush`
/// at once. For one thread at a time.
class PartWriter {
 public:
  /// `check`, if there is one, throws where parts must not be written any more; it is called before
  /// each is written and before it gets its name (disk::FolderWitness).
  explicit PartWriter(std::filesystem::path folder, std::function<void()> check = {});

  /// Buffers one record; writes a part when the buffer is due. Error(environment) naming the path
  /// when the disk refuses; the buffer is kept, so that a later flush may succeed.
  void add(Record record);
  /// Writes what is buffered: temporary name, fsync, rename. No-op when empty.
  void flush();
  /// File names of the parts written so far, in that order.
  const std::vector<std::string>& written() const { return written_; }

 private:
  std::filesystem::path folder_;
  std::function<void()> check_;
  std::vector<std::string> written_;
  std::vector<Record> buffer_;
  std::chrono::steady_clock::time_point last_flush_;
};

/// All records of a folder's parts, none if there is no such folder; of a key stored twice in a
/// table one. Parts whose content does not match the digest in their name, or has another layout
/// version, are left out and named in `damaged`.
struct StoredRecords {
  std::vector<Record> records;
  std::vector<std::filesystem::path> damaged;
};
StoredRecords read_parts(const std::filesystem::path& folder);

/// The records of the named parts, which another process wrote a moment ago: waits up to `patience`
/// for each to appear (network file systems show new files late). Error(environment) naming a part
/// that does not, or is damaged.
std::vector<Record> read_parts(const std::filesystem::path& folder,
                               const std::vector<std::string>& names,
                               std::chrono::milliseconds patience = std::chrono::seconds(30));

/// Removes files that a killed writer left unfinished in a folder, its parts and its states. Only
/// for the holder of the folder's lock, before anybody writes.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace gainsweep::archive

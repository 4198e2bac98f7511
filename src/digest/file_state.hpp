#pragma once

#include <cstdint>
#include <string>

#include "disk/file.hpp"

namespace gainsweep::digest {

/// What tells one state of a file from another without reading it.
struct FileState {
  std::string path;  ///< absolute, without symbolic links
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;        ///< bytes
  std::int64_t modified_ns = 0;  ///< since the epoch, of the content
  std::int64_t changed_ns = 0;   ///< since the epoch, of content or attributes; no program sets it
  /// Whether the file system is known to move `changed_ns` at every change.
  bool dated = false;

  friend bool operator==(const FileState&, const FileState&) = default;
};

/// Equal for equal states, as lines; on one machine at one time also only for the same file.
std::string to_text(const FileState& state);

/// Asked of the open file, so that a network file system answers with what the server has.
/// Error(input) when the file's path names nothing any more.
FileState state_of(const disk::File& file);

}  // namespace gainsweep::digest

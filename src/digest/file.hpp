#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

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

/// A regular file open for reading. Errors are Error(input) naming the path.
class File {
 public:
  explicit File(const std::filesystem::path& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Asked of the open file, so that a network file system answers with what the server has.
  FileState state() const;
  std::uint64_t length() const;
  /// Fills `into` with the bytes from `offset` on.
  void read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// Error(input) that says why a path cannot be read.
[[noreturn]] void refuse_file(const std::filesystem::path& path, const std::string& why);

}  // namespace gainsweep::digest

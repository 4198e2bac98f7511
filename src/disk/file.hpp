#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "disk/descriptor.hpp"

namespace gainsweep::disk {

/// A regular file open for reading. Error(input) naming path and reason when it is missing, not a
/// regular file, unreadable or shortened meanwhile, Error(environment) when the disk fails.
class File {
 public:
  explicit File(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_.number(); }
  /// In bytes, asked of the open file.
  std::uint64_t length() const;
  /// Fills `into` with the bytes from `offset` on.
  void read(std::uint64_t offset, std::span<std::byte> into) const;

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

/// All of a regular file. Errors as File.
std::vector<std::byte> read_bytes(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

/// Whether a path names anything. Error(input) where that cannot be told, such as for want of a
/// permission to enter one of its folders, and for a link that leads nowhere.
bool is_there(const std::filesystem::path& path);

/// Error(input) that says why a path cannot be read: of an error number its meaning, and for a
/// missing permission what lacks it.
[[noreturn]] void refuse_read(const std::filesystem::path& path, const std::string& why);
[[noreturn]] void refuse_read(const std::filesystem::path& path, int code);

}  // namespace gainsweep::disk

#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace gainsweep::disk {

/// A whole file mapped read-only and shared, so that all processes of a node use one copy.
/// Move-only; spans live as long as it does. Nobody may shorten the file meanwhile: the system
/// answers a read beyond its new end with SIGBUS.
class MappedFile {
 public:
  /// Error(input) naming the path when it is missing, not a regular file or unreadable.
  static MappedFile open(const std::filesystem::path& path);

  /// Zeros of no file, which take no memory.
  static MappedFile zeros(std::size_t size);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const;

 private:
  MappedFile(std::filesystem::path path, std::span<const std::byte> bytes);
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

}  // namespace gainsweep::disk

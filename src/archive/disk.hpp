#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

/// Whole files on disk: read at once, written under a temporary name and renamed.
namespace gainsweep::archive {

/// First characters of the names of files that are not finished.
inline constexpr const char* temporary_prefix = ".tmp-";

/// The bytes of a file. Error(input) naming path and reason when it cannot be opened,
/// Error(environment) when the disk fails while reading.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// Creates a folder and those above it. Error(environment).
void make_folder(const std::filesystem::path& folder);

/// A file that has no final name yet; removed unless committed.
class NewFile {
 public:
  /// Writes the pieces to `<folder>/.tmp-<host>-<pid>-<n>` and waits until the disk has them.
  /// Error(environment) naming the path and the reason, with nothing left behind.
  NewFile(const std::filesystem::path& folder,
          std::initializer_list<std::span<const std::byte>> pieces);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  const std::filesystem::path& path() const { return path_; }
  /// Gives the file its final name in the same folder and waits until the disk has that too.
  void commit(const std::filesystem::path& final_path);

 private:
  std::filesystem::path path_;
};

/// Host and process id of this process, for names and messages.
std::string host_name();

}  // namespace gainsweep::archive

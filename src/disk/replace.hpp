#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>

/// Files and folders: whole files read at once, written under a temporary name and renamed; the
/// lock of a folder; child processes.
namespace gainsweep::disk {

/// First characters of the names of files that are not finished.
inline constexpr const char* temporary_prefix = ".tmp-";

/// Creates a folder and those above it. Error(environment).
void make_folder(const std::filesystem::path& folder);

/// What a new file is safe from. Either way readers see the old file or the new one.
enum class Durability {
  lasting,  ///< synchronised, the folder too: a power failure leaves the old file or the new one
  passing,  ///< a power failure may leave an empty or torn file; costs no wait for the disk
};

/// A file that has no final name yet; removed unless committed.
class NewFile {
 public:
  /// Writes the pieces to `.tmp-<name>-<host>-<pid>-<n>` beside the file that is to be.
  /// Error(environment) naming the path and the reason, with nothing left behind.
  NewFile(std::filesystem::path final_path,
          std::initializer_list<std::span<const std::byte>> pieces,
          Durability durability = Durability::lasting);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Where it is now.
  const std::filesystem::path& path() const { return path_; }
  /// Gives the file its final name, in the place of a file that had it. Error(environment).
  void commit();

 private:
  std::filesystem::path final_path_;
  Durability durability_;
  std::filesystem::path path_;
};

/// Gives a file a second name, which must be free, on disk at once; a copy where the file system
/// has no second names. Error(environment); then there is nothing under that name.
void duplicate(const std::filesystem::path& path, const std::filesystem::path& second);

/// Makes `text` the content of a file. Error(environment); then the file is what it was.
void replace(const std::filesystem::path& path, std::string_view text, Durability durability);

}  // namespace gainsweep::disk

#pragma once

#include <filesystem>
#include <string>

namespace gainsweep::disk {

/// Where a file system has no flock: a file `<folder>/lock.taken`, which only one process can make,
/// with its holder's host and process id inside. Removed by the destructor; what a killed holder
/// leaves is taken over on its own host, where it is known that it is gone. Move-only.
class FolderMark {
 public:
  /// Error(environment) naming the holder, and the file where nobody can tell from here whether it
  /// still runs.
  explicit FolderMark(const std::filesystem::path& folder);
  FolderMark(FolderMark&& other) noexcept;
  FolderMark& operator=(FolderMark&&) = delete;
  ~FolderMark();

 private:
  std::filesystem::path path_;
};

/// Who marks the folder as taken, "process 7 on node1", as far as can be told from here; empty for
/// nobody. Changes nothing on disk.
std::string mark_holder(const std::filesystem::path& folder);

/// Error(environment) when somebody marks the folder as taken. Removes what a killed holder left.
void refuse_marked(const std::filesystem::path& folder);

/// Removes the marks of this process. For a process that ends without its destructors.
void release_marks();

}  // namespace gainsweep::disk

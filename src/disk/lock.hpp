#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "disk/descriptor.hpp"
#include "disk/mark.hpp"

namespace gainsweep::disk {

/// A folder's lock file as this process found it, to tell later whether the path still leads to
/// it: a folder that was moved or removed meanwhile may be another run's now.
class FolderWitness {
 public:
  /// Error(environment) when the folder has no lock file.
  explicit FolderWitness(const std::filesystem::path& folder);

  /// Error(environment) when the path names another lock file than then, or none.
  void check() const;

 private:
  friend class FolderLock;
  FolderWitness(std::filesystem::path path, Descriptor file);

  std::filesystem::path path_;
  Descriptor file_;  // open, so that no other file gets its inode
};

/// An exclusive flock on `<folder>/lock` (the folder is created if need be), with its holder's host
/// and process id inside, synchronised, so that other nodes read it. Where the file system has no
/// flock a FolderMark takes its place, and the log says so. Released by the destructor or the
/// process's end. Error(environment) naming the holder when taken.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

  /// Error(environment) when the folder or its lock file was moved or removed since: then somebody
  /// else may hold the lock of what the path names now. To be called before anything there is
  /// replaced.
  void check() const { witness_.check(); }

 private:
  struct Taken;
  FolderLock(const std::filesystem::path& folder, Taken taken);
  static Taken take(const std::filesystem::path& folder);

  FolderWitness witness_;
  std::optional<FolderMark> mark_;  // where there is no flock
};

/// Whether a run holds the folder's lock. Changes nothing on disk.
bool is_locked(const std::filesystem::path& folder);

/// What the lock file says of its last holder, "process 7 on node1"; "none" without such a file.
std::string lock_holder(const std::filesystem::path& folder);

}  // namespace gainsweep::disk

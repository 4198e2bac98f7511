#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "disk/lock.hpp"
#include "job/activity.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::job {

/// A new folder that all ranks share; the root locks and removes it.
class SharedFolder {
 public:
  explicit SharedFolder(const parallel::Comm& comm) : comm_(comm) {
    std::string name = (std::filesystem::temp_directory_path() / "gainsweep-XXXXXX").string();
    if (comm.is_root() && mkdtemp(name.data())) {
      forget_activities(name);
      lock_.emplace(name);
    }
    path_ = comm.broadcast(name);
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  ~SharedFolder() {
    comm_.barrier();
    if (comm_.is_root()) std::filesystem::remove_all(path_);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  const parallel::Comm& comm_;
  std::optional<disk::FolderLock> lock_;
  std::filesystem::path path_;
};

}  // namespace gainsweep::job

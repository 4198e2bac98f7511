#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gainsweep::disk {

/// A folder of a control group that this process is in.
struct ControlGroup {
  std::filesystem::path folder;
  bool second_version = false;  ///< of control groups: files have other names
};

/// This process's groups for a controller ("cpu", "memory") of version 1, and its groups of version
/// 2, each with those above it. In a container a group's path may be one of the host's that is not
/// there; its own group is then the mount's top, which is always among them. `root` is another than
/// "/" in tests alone.
std::vector<ControlGroup> control_groups(const std::string& controller,
                                         const std::filesystem::path& root = "/");

}  // namespace gainsweep::disk

#include "disk/memory.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "disk/control_groups.hpp"

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;

/// The number behind `name:` in a file of the kernel's, which counts in KiB.
std::optional<std::int64_t> bytes_of(const fs::path& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    std::int64_t kibibytes = 0;
    try {
      kibibytes = std::stoll(line.substr(name.size() + 1));
    } catch (const std::exception&) {
      return std::nullopt;
    }
    return kibibytes * 1024;
  }
  return std::nullopt;
}

/// "max", and a number near 2^63 in version 1, stand for no limit.
std::optional<std::int64_t> limit_of(const ControlGroup& group) {
  std::ifstream file(group.folder /
                     (group.second_version ? "memory.max" : "memory.limit_in_bytes"));
  std::int64_t bytes = 0;
  if (!(file >> bytes) || bytes <= 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::int64_t memory_of_machine(const fs::path& root) {
  auto bytes = bytes_of(root / "proc/meminfo", "MemTotal");
  for (const auto& group : control_groups("memory", root)) {
    const auto limit = limit_of(group);
    if (limit) bytes = bytes ? std::min(*bytes, *limit) : *limit;
  }
  if (!bytes)
    throw Error(ErrorKind::environment,
                "the system does not say how much memory there is (/proc/meminfo has no MemTotal). "
                "Write memory_limit");
  return *bytes;
}

MemoryInUse memory_in_use(const fs::path& root) {
  const auto status = root / "proc/self/status";
  const auto file = bytes_of(status, "RssFile").value_or(0);
  const auto shared = bytes_of(status, "RssShmem").value_or(0);
  return {bytes_of(status, "RssAnon").value_or(0), file + shared};
}

}  // namespace gainsweep::disk

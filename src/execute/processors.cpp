#include "execute/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "base/error.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

/// Quota over period of a group's own files; nothing where there is no limit.
std::optional<double> quota_of(const fs::path& folder, bool second_version) {
  double quota = 0, period = 0;
  if (second_version) {
    std::ifstream file(folder / "cpu.max");  // "max 100000" without a limit
    if (!(file >> quota >> period)) return std::nullopt;
  } else {
    std::ifstream quota_file(folder / "cpu.cfs_quota_us"),
        period_file(folder / "cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;  // -1: none
  return quota / period;
}

/// The smallest quota of a group and those above it. In a container the path may be one of the
/// host's that is not there; its own group is then the mount's top.
std::optional<double> smallest(const fs::path& mount, const std::string& group,
                               bool second_version) {
  std::optional<double> found = quota_of(mount, second_version);
  fs::path folder = mount;
  for (const auto& part : fs::path(group).relative_path()) {
    folder /= part;
    if (const auto quota = quota_of(folder, second_version))
      found = found ? std::min(*found, *quota) : *quota;
  }
  return found;
}

bool names_cpu(const std::string& controllers) {
  std::istringstream words(controllers);
  for (std::string word; std::getline(words, word, ',');)
    if (word == "cpu") return true;
  return false;
}

std::string number(double value) {
  std::ostringstream text;
  text << std::round(value * 100) / 100;
  return text.str();
}

}  // namespace

std::optional<std::int64_t> allowed_processors() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return std::nullopt;
  return CPU_COUNT(&mask);
}

std::optional<double> processor_quota(const fs::path& root) {
  std::optional<double> found;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // number:controllers:path
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool second_version = controllers.empty();
    if (!second_version && !names_cpu(controllers)) continue;
    const auto mount = root / "sys/fs/cgroup" / (second_version ? "" : "cpu");
    const auto quota = smallest(mount, line.substr(second + 1), second_version);
    if (quota) found = found ? std::min(*found, *quota) : *quota;
  }
  return found;
}

void check_threads(std::int64_t threads, std::optional<std::int64_t> allowed,
                   std::optional<double> quota) {
  if (allowed && threads > *allowed)
    throw Error(ErrorKind::environment,
                std::to_string(threads) + " threads on " + std::to_string(*allowed) +
                    " processors (this process's affinity mask holds no more). Ask for fewer "
                    "threads, or launch with `mpirun --bind-to none`");
  if (quota && threads > 1 && static_cast<double>(threads) > *quota)
    throw Error(ErrorKind::environment,
                std::to_string(threads) + " threads where this container has the CPU quota of " +
                    number(*quota) +
                    " processors (cpu.max), so they would take turns. Ask for fewer threads, or "
                    "give the container more (Docker and Podman: `--cpus=" +
                    std::to_string(threads) + "`; Kubernetes: resources.limits.cpu: " +
                    std::to_string(threads) + "; systemd: CPUQuota)");
}

}  // namespace gainsweep::execute

#include "execute/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "disk/control_groups.hpp"

namespace gainsweep::execute {
namespace {

/// Quota over period of a group's own files; nothing where there is no limit.
std::optional<double> quota_of(const disk::ControlGroup& group) {
  double quota = 0, period = 0;
  if (group.second_version) {
    std::ifstream file(group.folder / "cpu.max");  // "max 100000" without a limit
    if (!(file >> quota >> period)) return std::nullopt;
  } else {
    std::ifstream quota_file(group.folder / "cpu.cfs_quota_us"),
        period_file(group.folder / "cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;  // -1: none
  return quota / period;
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

std::optional<double> processor_quota(const std::filesystem::path& root) {
  std::optional<double> found;
  for (const auto& group : disk::control_groups("cpu", root)) {
    const auto quota = quota_of(group);
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

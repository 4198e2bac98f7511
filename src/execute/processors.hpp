#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

/// What this process may use of the machine's processors. Private to this folder.
namespace gainsweep::execute {

/// Processors of the affinity mask; nothing where it is too long to read.
std::optional<std::int64_t> allowed_processors();

/// The smallest CPU quota of this process's control groups, in processors (1.5 is possible);
/// nothing without one. Of version 2 (cpu.max) and 1 (cpu.cfs_quota_us), below `root`, which only
/// tests set.
std::optional<double> processor_quota(const std::filesystem::path& root = "/");

/// Error(environment) where `threads` are more than mask or quota allow: the threads would take
/// turns, and every time would be one of waiting. A quota below one processor allows one thread.
void check_threads(std::int64_t threads, std::optional<std::int64_t> allowed,
                   std::optional<double> quota);

}  // namespace gainsweep::execute

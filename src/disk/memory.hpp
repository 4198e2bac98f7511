#pragma once

#include <cstdint>
#include <filesystem>

namespace gainsweep::disk {

/// Bytes of memory that processes of this machine, or of this process's control groups where those
/// allow less, may have together. Error(environment) where the system does not say. `root` is
/// another than "/" in tests alone.
std::int64_t memory_of_machine(const std::filesystem::path& root = "/");

/// Memory of this process that is in use now.
struct MemoryInUse {
  std::int64_t anonymous = 0;  ///< bytes of its own
  std::int64_t mapped = 0;     ///< bytes of files, which processes of a machine share
};

/// Zeros where the system does not say.
MemoryInUse memory_in_use(const std::filesystem::path& root = "/");

}  // namespace gainsweep::disk

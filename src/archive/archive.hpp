#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::archive {

/// Writes an archive: temporary name, fsync, rename, fsync of the folder; then reopens and verifies
/// it. Every dataset has units, long name, Fletcher32, dimension scales and its SHA-256; every group
/// the SHA-256 of its attributes. Error(environment) naming the path and cause (disk full, …), with
/// nothing left under the final name.
void write(const std::filesystem::path& path, const Contents& contents);

/// Reads and verifies an archive. Error(input) naming the object for any damage, a foreign HDF5
/// file, or another layout version.
Contents read(const std::filesystem::path& path);

/// Differences of two archives' deterministic contents, one sentence each (object, first differing
/// place and both values); empty when bit-identical. NaNs with equal bits are equal.
std::vector<std::string> differences(const Contents& a, const Contents& b);

/// The same for the measured contents.
std::vector<std::string> measured_differences(const Contents& a, const Contents& b);

}  // namespace gainsweep::archive

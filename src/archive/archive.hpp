#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::archive {

/// Writes an archive: temporary name, fsync, reads it back and compares, rename, fsync of the
/// folder. Equal contents give equal bytes. Every dataset has units, long name, dimension scales,
/// its SHA-256 and (unless scalar or empty) Fletcher32; every group the SHA-256 of its attributes
/// and children. Error(environment) naming the path and cause (disk full, …); nothing incomplete is
/// ever under the final name, and an archive that was there stays. `check`, if there is one, is
/// called before the rename and throws where the archive must not be replaced (disk::FolderLock).
void write(const std::filesystem::path& path, const Contents& contents,
           const std::function<void()>& check = {});

/// Reads and verifies an archive; tables in the order they were written, deterministic ones first,
/// those of one group together. Error(input) naming the file, and the object where one is wrong,
/// for any damage, a foreign HDF5 file, or another layout version.
Contents read(const std::filesystem::path& path);

/// The same of an archive's bytes; messages name no file.
Contents read(std::span<const std::byte> bytes);

/// Differences of two archives' deterministic contents, one sentence each (object, first differing
/// place and both values); empty when bit-identical. NaNs with equal bits are equal.
std::vector<std::string> differences(const Contents& a, const Contents& b);

/// The same for the measured contents.
std::vector<std::string> measured_differences(const Contents& a, const Contents& b);

}  // namespace gainsweep::archive

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace gainsweep::archive {

/// The `tokens` dataset of an HDF5 token file: a one-dimensional stream of token ids of any integer
/// type. Error(input) naming the file and reason: not HDF5, no such dataset, wrong type or rank,
/// an id outside [0, vocabulary) with its position, or damage. A token file has no seal and damage
/// can crash the HDF5 library, so a child process decodes it.
std::vector<std::int64_t> read_tokens(const std::filesystem::path& path, std::int64_t vocabulary);

/// The same of a file's bytes, in this process: a crash of the HDF5 library is one of the caller.
std::vector<std::int64_t> decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary);

}  // namespace gainsweep::archive

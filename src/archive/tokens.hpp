#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gainsweep::archive {

/// The `tokens` dataset of an HDF5 token file: a one-dimensional stream of token ids of any integer
/// type. Error(input) naming the file and reason: not HDF5, no such dataset, wrong type or rank,
/// or an id outside [0, vocabulary) with its position.
std::vector<std::int64_t> read_tokens(const std::filesystem::path& path, std::int64_t vocabulary);

}  // namespace gainsweep::archive

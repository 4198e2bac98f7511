#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace gainsweep::archive {

/// An HDF5 file whose dataset `tokens` is a one-dimensional stream of token ids of any integer
/// type, all in [0, vocabulary).
struct TokenFile {
  std::filesystem::path path;
  std::int64_t vocabulary = 0;
};

/// The ids of each file. Error(input) naming the first file that cannot be read, and why: not HDF5,
/// no such dataset, wrong type or rank, an id outside with its position, or damage. A token file
/// has no seal and damage can crash the HDF5 library, so one child process decodes them all;
/// `main` has to call serve_if_decoder (archive/decoder.hpp). Error(environment) when there is no
/// process to be had, somebody kills it or it hangs.
std::vector<std::vector<std::int64_t>> read_tokens(const std::vector<TokenFile>& files);

/// The same of one file's bytes, in this process: a crash of the HDF5 library is one of the caller.
std::vector<std::int64_t> decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary);

}  // namespace gainsweep::archive

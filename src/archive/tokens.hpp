#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace gainsweep::archive {

/// An HDF5 file whose dataset `tokens` has token ids of any integer type one after the other, all
/// in [0, vocabulary).
struct TokenFile {
  std::filesystem::path path;
  std::int64_t vocabulary = 0;
};

/// What a token file holds (docs/token_files.md).
struct TokenStream {
  std::vector<std::int64_t> ids;
  /// `samples/offset`: the first token of each sample, then the end of the last one. None: samples
  /// are windows of one length.
  std::vector<std::int64_t> offsets{};
  /// `mask`: 0 for a token that does not count as a target, 1 for the others. None: all count.
  std::vector<std::int64_t> mask{};

  bool operator==(const TokenStream&) const = default;
};

/// The contents of each file. Error(input) naming the first file that cannot be read, and why: not
/// HDF5, no such dataset, wrong type or rank, an id outside with its position, offsets or a mask
/// that do not fit, a sample without a target that counts, or damage. A token file
/// has no seal and damage can crash the HDF5 library, so one child process decodes them all;
/// `main` has to call serve_if_decoder (archive/decoder.hpp). Error(environment) when there is no
/// process to be had, somebody kills it or it hangs.
std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files);

/// The same of one file's bytes, in this process: a crash of the HDF5 library is one of the caller.
TokenStream decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary);

}  // namespace gainsweep::archive

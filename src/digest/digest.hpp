#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "digest/file_state.hpp"

/// SHA-256 tree digests of spec parts, models, data and parts.
namespace gainsweep::digest {

/// Lower-case hex SHA-256 of bytes. Error(environment) if libcrypto cannot compute it.
std::string of_bytes(std::span<const std::byte> bytes);
std::string of_text(std::string_view text);

/// Digest of a long byte range: SHA-256 over the digests of its 4 MiB blocks, so that blocks can be
/// hashed by several threads, the calling one included; the same for any thread count (which is
/// taken as 1 below 1). Binds the length.
std::string of_blocks(std::span<const std::byte> bytes, int num_threads = 1);

/// Blocks of a range of this many bytes, and the size of a block's digest in bytes.
std::size_t num_blocks(std::uint64_t length);
constexpr std::size_t raw_digest_size = 32;
/// Letters of a digest in hexadecimal.
constexpr std::size_t digest_length = 2 * raw_digest_size;
/// What of_blocks makes of the digests of all blocks, one after another.
std::string of_block_digests(std::uint64_t length, std::string_view digests);

/// Feeds labelled fields in order, so that no two field lists collide, and ends in a hex digest.
class Builder {
 public:
  Builder& add(std::string_view label, std::string_view value);
  Builder& add(std::string_view label, std::int64_t value);
  Builder& add(std::string_view label, double value);  ///< exact: its bits
  Builder& add(std::string_view label, std::integral auto value) {
    return add(label, static_cast<std::int64_t>(value));
  }
  std::string finish() const;

 private:
  Builder& append(std::string_view label, char type, std::string_view value);

  std::string fields_;  // of each field: label length, label, type, value length, value
};

/// of_blocks of a regular file's content, read one block a thread at a time (not memory-mapped: a
/// file that shrinks or a disk that fails is an error, not a signal). Error(input) naming the path
/// when it is unreadable, not a regular file, or changes length meanwhile.
std::string of_file(const std::filesystem::path& path, int num_threads = 1);

/// Digests of the blocks [first, last) of a file, one after another, read as of_file does.
/// Error(input) also when content or length changed since the file was in `state`.
std::string of_file_blocks(const std::filesystem::path& path, const FileState& state,
                           std::size_t first, std::size_t last, int num_threads);

}  // namespace gainsweep::digest

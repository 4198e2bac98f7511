#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

/// SHA-256 tree digests of spec parts, models, data and parts.
namespace gainsweep::digest {

/// Lower-case hex SHA-256 of bytes.
std::string of_bytes(std::span<const std::byte> bytes);
std::string of_text(std::string_view text);

/// Digest of a long byte range: SHA-256 over the digests of its 4 MiB blocks, so that blocks can be
/// hashed by several threads; the same for any thread count. Binds the length.
std::string of_blocks(std::span<const std::byte> bytes, int num_threads = 1);

/// Feeds labelled fields in order, so that no two field lists collide, and ends in a hex digest.
class Builder {
 public:
  Builder& add(std::string_view label, std::string_view value);
  Builder& add(std::string_view label, std::int64_t value);
  Builder& add(std::string_view label, double value);  ///< exact: its bits
  std::string finish() const;

 private:
  std::string fields_;
};

/// Digest of a file's content by memory-mapping it. Error(input) naming the path when unreadable.
std::string of_file(const std::filesystem::path& path, int num_threads = 1);

}  // namespace gainsweep::digest

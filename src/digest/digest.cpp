#include "digest/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

#include "base/error.hpp"

namespace gainsweep::digest {
namespace {

constexpr std::size_t block_size = std::size_t{4} << 20;

using Sha256 = std::array<unsigned char, raw_digest_size>;
/// The digest of block `index`, which holds `length` bytes.
using BlockDigest = std::function<Sha256(std::size_t index, std::size_t length)>;

Sha256 sha256(const void* data, std::size_t length) {
  Sha256 result;
  unsigned int size = 0;
  if (EVP_Digest(data, length, result.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != result.size()) {
    throw Error(ErrorKind::environment,
                "libcrypto cannot compute SHA-256 (its providers may not load). Check the OpenSSL "
                "installation and its configuration file.");
  }
  return result;
}

std::string hex(const Sha256& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

/// Runs `work` on this thread and on up to `num_threads - 1` others, and throws the first error.
void run_on_threads(std::size_t num_threads, const std::function<void()>& work) {
  std::mutex mutex;
  std::exception_ptr failure;
  const auto guarded = [&] {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      while (threads.size() + 1 < num_threads) threads.emplace_back(guarded);
    } catch (const std::system_error&) {
      // The threads there are do all the work.
    }
    guarded();
  }
  if (failure) std::rethrow_exception(failure);
}

/// Digests of the blocks [first, last) of a range of `length` bytes, one after another.
std::string block_digests(std::size_t length, std::size_t first, std::size_t last, int num_threads,
                          const BlockDigest& digest_block) {
  std::vector<Sha256> digests(last - first);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < digests.size(); i = next++) {
      const std::size_t index = first + i;
      digests[i] = digest_block(index, std::min(block_size, length - index * block_size));
    }
  };
  const auto wanted = static_cast<std::size_t>(std::max(num_threads, 1));
  run_on_threads(std::min(wanted, digests.size()), work);
  std::string joined;
  joined.reserve(digests.size() * raw_digest_size);
  for (const auto& digest : digests) joined.append(digest.begin(), digest.end());
  return joined;
}

std::string blocks_of(const disk::File& file, std::uint64_t length, std::size_t first,
                      std::size_t last, int num_threads) {
  return block_digests(length, first, last, num_threads, [&](std::size_t index, std::size_t size) {
    std::vector<std::byte> block(size);
    file.read(index * block_size, block);
    return sha256(block.data(), size);
  });
}

}  // namespace

std::string of_bytes(std::span<const std::byte> bytes) {
  return hex(sha256(bytes.data(), bytes.size()));
}

std::string of_text(std::string_view text) {
  return of_bytes(std::as_bytes(std::span(text)));
}

std::size_t num_blocks(std::uint64_t length) {
  return (length + block_size - 1) / block_size;
}

std::string of_block_digests(std::uint64_t length, std::string_view digests) {
  return of_text(little_endian(length).append(digests));
}

std::string of_blocks(std::span<const std::byte> bytes, int num_threads) {
  const auto digest_block = [&](std::size_t index, std::size_t length) {
    return sha256(bytes.data() + index * block_size, length);
  };
  return of_block_digests(bytes.size(), block_digests(bytes.size(), 0, num_blocks(bytes.size()),
                                                      num_threads, digest_block));
}

std::string of_file(const std::filesystem::path& path, int num_threads) {
  const disk::File file(path);
  const auto length = file.length();
  const auto digests = blocks_of(file, length, 0, num_blocks(length), num_threads);
  if (file.length() != length) disk::refuse_read(path, "its length changed while it was read");
  return of_block_digests(length, digests);
}

std::string of_file_blocks(const std::filesystem::path& path, const FileState& state,
                           std::size_t first, std::size_t last, int num_threads) {
  const disk::File file(path);
  auto digests = blocks_of(file, state.size, first, last, num_threads);
  const auto now = state_of(file);
  const auto content = [](const FileState& of) {
    return std::tie(of.device, of.inode, of.size, of.modified_ns);
  };
  if (content(now) != content(state)) disk::refuse_read(path, "it changed while it was read");
  return digests;
}

Builder& Builder::append(std::string_view label, char type, std::string_view value) {
  fields_ += little_endian(label.size());
  fields_ += label;
  fields_ += type;
  fields_ += little_endian(value.size());
  fields_ += value;
  return *this;
}

Builder& Builder::add(std::string_view label, std::string_view value) {
  return append(label, 't', value);
}

Builder& Builder::add(std::string_view label, std::int64_t value) {
  return append(label, 'i', little_endian(std::bit_cast<std::uint64_t>(value)));
}

Builder& Builder::add(std::string_view label, double value) {
  return append(label, 'd', little_endian(std::bit_cast<std::uint64_t>(value)));
}

std::string Builder::finish() const {
  return of_text(fields_);
}

}  // namespace gainsweep::digest

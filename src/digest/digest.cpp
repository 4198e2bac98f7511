#include "digest/digest.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace gainsweep::digest {
namespace {

constexpr std::size_t block_size = std::size_t{4} << 20;

using Sha256 = std::array<unsigned char, 32>;
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

std::string tree(std::size_t length, int num_threads, const BlockDigest& digest_block) {
  const std::size_t num_blocks = (length + block_size - 1) / block_size;
  std::vector<Sha256> digests(num_blocks);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < num_blocks; i = next++) {
      digests[i] = digest_block(i, std::min(block_size, length - i * block_size));
    }
  };
  const auto wanted = static_cast<std::size_t>(std::max(num_threads, 1));
  run_on_threads(std::min(wanted, num_blocks), work);
  std::string root = little_endian(length);
  for (const auto& digest : digests) root.append(digest.begin(), digest.end());
  return of_text(root);
}

Error unreadable(const std::filesystem::path& path, const std::string& why) {
  return {ErrorKind::input, "cannot read '" + path.string() + "' (" + why +
                                "). Give a regular file that this user may read."};
}

/// A regular file open for reading.
class File {
 public:
  explicit File(const std::filesystem::path& path)
      // O_NONBLOCK: opening a pipe without a writer must not wait for one.
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0) throw unreadable(path, std::strerror(errno));
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t length() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw unreadable(path_, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) throw unreadable(path_, "it is not a regular file");
    return static_cast<std::size_t>(status.st_size);
  }

  void read(std::size_t offset, std::span<std::byte> into) const {
    while (!into.empty()) {
      const ssize_t count =
          ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw unreadable(path_, std::strerror(errno));
      if (count == 0) throw unreadable(path_, "it became shorter while it was read");
      offset += static_cast<std::size_t>(count);
      into = into.subspan(static_cast<std::size_t>(count));
    }
  }

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace

std::string of_bytes(std::span<const std::byte> bytes) {
  return hex(sha256(bytes.data(), bytes.size()));
}

std::string of_text(std::string_view text) {
  return of_bytes(std::as_bytes(std::span(text)));
}

std::string of_blocks(std::span<const std::byte> bytes, int num_threads) {
  return tree(bytes.size(), num_threads, [&](std::size_t index, std::size_t length) {
    return sha256(bytes.data() + index * block_size, length);
  });
}

std::string of_file(const std::filesystem::path& path, int num_threads) {
  const File file(path);
  const std::size_t total = file.length();
  std::string result = tree(total, num_threads, [&](std::size_t index, std::size_t length) {
    std::vector<std::byte> block(length);
    file.read(index * block_size, block);
    return sha256(block.data(), length);
  });
  if (file.length() != total) throw unreadable(path, "its length changed while it was read");
  return result;
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

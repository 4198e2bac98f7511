#include "archive/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

std::string reason(int code) {
  return std::generic_category().message(code);
}

[[noreturn]] void refuse_write(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::environment,
              path.string() + " cannot be written (" + reason(code) +
                  "). Free space, correct the permissions or choose another output folder, then "
                  "run the same command again.");
}

/// An owned file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  /// Closes; some file systems report a full disk only here.
  int close() { return ::close(std::exchange(number_, -1)); }

 private:
  int number_;
};

std::filesystem::path temporary_in(const std::filesystem::path& folder) {
  static std::atomic<unsigned> count{0};
  return folder / (temporary_prefix + host_name() + "-" + std::to_string(::getpid()) + "-" +
                   std::to_string(count++));
}

/// Writes all bytes; 0 or the error number.
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// 0 or the error number. File systems that cannot sync a folder say EINVAL.
int sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return errno;
  return ::fsync(descriptor.number()) != 0 && errno != EINVAL ? errno : 0;
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (descriptor.number() < 0 || ::fstat(descriptor.number(), &status) != 0) {
    throw Error(ErrorKind::input, path.string() + " cannot be read (" + reason(errno) + ")");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::input, path.string() + " cannot be read (it is not a file)");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor.number(), &bytes[done], bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorKind::environment,
                  path.string() + " cannot be read (" + reason(errno) + "). Check the disk.");
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) refuse_write(folder, code.value());
}

NewFile::NewFile(const std::filesystem::path& folder,
                 std::initializer_list<std::span<const std::byte>> pieces)
    : path_(temporary_in(folder)) {
  Descriptor descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  int code = descriptor.number() < 0 ? errno : 0;
  for (const auto& piece : pieces) {
    if (code == 0) code = write_all(descriptor.number(), piece);
  }
  if (code == 0 && ::fsync(descriptor.number()) != 0) code = errno;
  if (code == 0 && descriptor.close() != 0) code = errno;
  if (code != 0) {
    if (descriptor.number() >= 0) ::unlink(path_.c_str());
    refuse_write(path_, code);
  }
}

NewFile::~NewFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void NewFile::commit(const std::filesystem::path& final_path) {
  if (::rename(path_.c_str(), final_path.c_str()) != 0) refuse_write(final_path, errno);
  path_.clear();
  const std::filesystem::path folder = final_path.parent_path();
  if (const int code = sync_folder(folder.empty() ? "." : folder)) refuse_write(final_path, code);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace gainsweep::archive

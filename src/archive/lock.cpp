#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "archive/disk.hpp"
#include "archive/parts.hpp"
#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

/// What the lock file says of its holder, as one line.
std::string holder_of(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  holder = holder.substr(0, holder.find('\n'));
  return holder.empty() ? "another process" : holder;
}

[[noreturn]] void refuse(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::environment,
              path.string() + " cannot be locked (" + std::generic_category().message(code) +
                  "). Choose an output folder that is writable and whose file system has flock.");
}

/// Names this process in the lock file; 0 or the error number.
int name_holder(int descriptor) {
  const std::string holder = "process " + std::to_string(::getpid()) + " on " + host_name() + "\n";
  if (::ftruncate(descriptor, 0) != 0) return errno;
  const ssize_t written = ::pwrite(descriptor, holder.data(), holder.size(), 0);
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == holder.size() ? 0 : ENOSPC;
}

/// 0 or the error number. Tries for a moment: somebody may just be asking whether it is locked.
int lock_soon(int descriptor) {
  for (int attempts = 10; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; --attempts) {
    if (errno != EWOULDBLOCK || attempts == 0) return errno;
    ::usleep(10'000);
  }
  return 0;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) {
  make_folder(folder);
  const std::filesystem::path path = folder / "lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) refuse(path, errno);
  if (const int code = lock_soon(descriptor)) {
    const std::string holder = holder_of(descriptor);
    ::close(descriptor);
    if (code != EWOULDBLOCK) refuse(path, code);
    throw Error(ErrorKind::environment,
                folder.string() + " is in use (" + path.string() + " is locked by " + holder +
                    "). Wait for that run, stop it, or choose another output folder.");
  }
  if (const int code = name_holder(descriptor)) {
    ::close(descriptor);
    refuse(path, code);
  }
  descriptor_ = descriptor;
}

bool is_locked(const std::filesystem::path& folder) {
  const int descriptor = ::open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return locked;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace gainsweep::archive

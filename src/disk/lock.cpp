#include "disk/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "disk/host.hpp"
#include "disk/replace.hpp"

namespace gainsweep::disk {
namespace {

std::filesystem::path lock_in(const std::filesystem::path& folder) {
  return folder / "lock";
}

/// Opening, other than stat, asks the server of a network file system what the path names now.
Descriptor open_lock(const std::filesystem::path& path, int flags) {
  return Descriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666));
}

/// What the lock file says of its holder, as one line; empty when nothing.
std::string holder_in(const Descriptor& file) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(file.number(), text.data(), text.size(), 0);
  const std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return holder.substr(0, holder.find('\n'));
}

[[noreturn]] void refuse(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::environment,
              path.string() + " cannot be locked (" + std::generic_category().message(code) +
                  "). Choose an output folder that is writable and whose file system has flock.");
}

[[noreturn]] void refuse_taken(const std::filesystem::path& path, const std::string& holder) {
  throw Error(ErrorKind::environment,
              path.parent_path().string() + " is in use (" + path.string() + " is locked by " +
                  (holder.empty() ? "another process" : holder) +
                  "). Wait for that run, stop it, or choose another output folder.");
}

/// Names this process in the lock file and waits until the disk (of a network file system the
/// server, from which the other nodes read it) has that; 0 or the error number.
int name_holder(const Descriptor& file) {
  const std::string holder = "process " + std::to_string(::getpid()) + " on " + host_name() + "\n";
  if (::ftruncate(file.number(), 0) != 0) return errno;
  const ssize_t written = ::pwrite(file.number(), holder.data(), holder.size(), 0);
  if (written < 0) return errno;
  if (static_cast<std::size_t>(written) != holder.size()) return ENOSPC;
  return ::fsync(file.number()) != 0 ? errno : 0;
}

/// 0 or the error number. Tries for a moment: somebody may just be asking whether it is locked.
int lock_soon(const Descriptor& file) {
  for (int attempts = 10; ::flock(file.number(), LOCK_EX | LOCK_NB) != 0; --attempts) {
    if (errno != EWOULDBLOCK || attempts == 0) return errno;
    ::usleep(10'000);
  }
  return 0;
}

/// Whether a path names the open file.
bool leads_to(const std::filesystem::path& path, const Descriptor& file) {
  struct stat now {};
  struct stat then {};
  const Descriptor named = open_lock(path, O_RDONLY);
  return named.is_open() && ::fstat(named.number(), &now) == 0 &&
         ::fstat(file.number(), &then) == 0 && now.st_dev == then.st_dev &&
         now.st_ino == then.st_ino;
}

/// The locked file that the path names. Between opening and locking a file somebody may have moved
/// it away: then its lock protects nothing.
Descriptor locked(const std::filesystem::path& folder) {
  const std::filesystem::path path = lock_in(folder);
  for (int attempts = 10; attempts > 0; --attempts) {
    make_folder(folder);
    Descriptor file = open_lock(path, O_RDWR | O_CREAT);
    if (!file.is_open()) refuse(path, errno);
    const int code = lock_soon(file);
    if (code == EWOULDBLOCK) refuse_taken(path, holder_in(file));
    if (code != 0) refuse(path, code);
    if (leads_to(path, file)) return file;
  }
  refuse(path, ESTALE);
}

}  // namespace

FolderWitness::FolderWitness(const std::filesystem::path& folder)
    : FolderWitness(lock_in(folder), open_lock(lock_in(folder), O_RDONLY)) {
  if (!file_.is_open()) check();
}

FolderWitness::FolderWitness(std::filesystem::path path, Descriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

void FolderWitness::check() const {
  if (leads_to(path_, file_)) return;
  throw Error(ErrorKind::environment,
              path_.string() +
                  " was moved or removed during the run (another run may use the folder now). "
                  "Nothing more is written there. Leave a run's folder alone until it is over; the "
                  "same command goes on with what is stored.");
}

FolderLock::FolderLock(const std::filesystem::path& folder)
    : witness_(lock_in(folder), locked(folder)) {
  if (const int code = name_holder(witness_.file_)) refuse(witness_.path_, code);
}

bool is_locked(const std::filesystem::path& folder) {
  const Descriptor file = open_lock(lock_in(folder), O_RDONLY);
  return file.is_open() && ::flock(file.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::string lock_holder(const std::filesystem::path& folder) {
  const Descriptor file = open_lock(lock_in(folder), O_RDONLY);
  return file.is_open() ? holder_in(file) : "none";
}

}  // namespace gainsweep::disk

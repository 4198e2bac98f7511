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
#include "base/log.hpp"
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
  throw Error(ErrorKind::environment, path.string() + " cannot be locked (" +
                                          std::generic_category().message(code) +
                                          "). Choose an output folder that is writable.");
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

/// Whether an error number says that a file system has no flock (NFS without its lock service,
/// Lustre mounted without flock).
bool lacks_flock(int code) {
  return code == ENOLCK || code == ENOSYS || code == EOPNOTSUPP || code == EINVAL;
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

void tell_no_flock(const std::filesystem::path& path, int code) {
  log_line("gainsweep: " + path.string() + " cannot be locked (" +
               std::generic_category().message(code) + ": this file system has no flock); " +
               path.string() +
               ".taken keeps other runs away instead, and has to be removed by hand should this "
               "run be killed and go on elsewhere",
           LogLevel::warning);
}

}  // namespace

struct FolderLock::Taken {
  Descriptor file;
  std::optional<FolderMark> mark;
};

/// The locked file that the path names. Between opening and locking a file somebody may have moved
/// it away: then its lock protects nothing. A node with flock heeds the mark of one without.
FolderLock::Taken FolderLock::take(const std::filesystem::path& folder) {
  const std::filesystem::path path = lock_in(folder);
  for (int attempts = 10; attempts > 0; --attempts) {
    make_folder(folder);
    Taken taken{open_lock(path, O_RDWR | O_CREAT), {}};
    if (!taken.file.is_open()) refuse(path, errno);
    const int code = lock_soon(taken.file);
    if (code == EWOULDBLOCK) refuse_taken(path, holder_in(taken.file));
    if (code != 0 && !lacks_flock(code)) refuse(path, code);
    if (code == 0)
      refuse_marked(folder);
    else
      taken.mark.emplace(folder);
    if (!leads_to(path, taken.file)) continue;
    if (taken.mark) tell_no_flock(path, code);
    return taken;
  }
  refuse(path, ESTALE);
}

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

FolderLock::FolderLock(const std::filesystem::path& folder) : FolderLock(folder, take(folder)) {}

FolderLock::FolderLock(const std::filesystem::path& folder, Taken taken)
    : witness_(lock_in(folder), std::move(taken.file)), mark_(std::move(taken.mark)) {
  if (const int code = name_holder(witness_.file_)) refuse(witness_.path_, code);
}

bool is_locked(const std::filesystem::path& folder) {
  const Descriptor file = open_lock(lock_in(folder), O_RDONLY);
  if (!file.is_open()) return false;
  const bool taken = ::flock(file.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return taken || !mark_holder(folder).empty();
}

std::string lock_holder(const std::filesystem::path& folder) {
  const Descriptor file = open_lock(lock_in(folder), O_RDONLY);
  return file.is_open() ? holder_in(file) : "none";
}

}  // namespace gainsweep::disk

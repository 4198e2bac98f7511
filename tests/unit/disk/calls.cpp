#include "calls.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace gainsweep::disk::calls {
namespace {

std::string failing;
std::function<void()> at_flock;
int flock_code = 0;
std::vector<std::string> seen;

std::string path_of(int file) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), ignored).string();
}

}  // namespace

void fail_close(std::string path_part) {
  failing = std::move(path_part);
}

void before_flock(std::function<void()> action) {
  at_flock = std::move(action);
}

void fail_flock(int code) {
  flock_code = code;
}

std::vector<std::string> synchronised() {
  return std::exchange(seen, {});
}

extern "C" int close(int file) {
  const bool fails = !failing.empty() && path_of(file).find(failing) != std::string::npos;
  const auto result = static_cast<int>(::syscall(SYS_close, file));
  if (!fails) return result;
  failing.clear();
  errno = ENOSPC;
  return -1;
}

extern "C" int flock(int file, int operation) {
  if (const auto action = std::exchange(at_flock, {})) action();
  if (flock_code != 0) {
    errno = flock_code;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, file, operation));
}

extern "C" int fsync(int file) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  seen.emplace_back(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return static_cast<int>(::syscall(SYS_fsync, file));
}

}  // namespace gainsweep::disk::calls

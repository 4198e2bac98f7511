#include "disk/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>

#include "base/error.hpp"

namespace gainsweep::disk {
namespace {

/// The first folder of a path that this user may not enter, empty if there is none.
std::filesystem::path closed_folder(const std::filesystem::path& path) {
  std::filesystem::path folder;
  for (const auto& part : path.parent_path()) {
    folder /= part;
    if (::access(folder.c_str(), X_OK) != 0 && errno == EACCES) return folder;
  }
  return {};
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse_read(path, errno);
  if (!S_ISREG(status.st_mode)) refuse_read(path, "it is not a regular file");
  return status;
}

template <class Sequence>
Sequence read_all(const std::filesystem::path& path) {
  const File file(path);
  Sequence content;
  content.resize(file.length());
  file.read(0, std::as_writable_bytes(std::span(content)));
  return content;
}

}  // namespace

bool is_there(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) refuse_read(path, errno);
  std::error_code code;
  const auto target = std::filesystem::read_symlink(path, code);
  if (!code)
    refuse_read(path, "it is a link to " + target.string() +
                          ", which is not there: what it led to was moved, removed or not fetched");
  return false;
}

void refuse_read(const std::filesystem::path& path, int code) {
  if (code != EACCES) refuse_read(path, std::generic_category().message(code));
  const auto closed = closed_folder(path);
  throw Error(ErrorKind::input,
              path.string() + " cannot be read (permission denied: this user may not " +
                  (closed.empty() ? "read it" : "enter the folder " + closed.string()) +
                  "). Ask its owner for the permission, or run as a user or in a group that has "
                  "it.");
}

void refuse_read(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::input, path.string() + " cannot be read (" + why +
                                    "). Give a regular file that this user may read.");
}

File::File(const std::filesystem::path& path)
    // O_NONBLOCK: opening a pipe without a writer must not wait for one.
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (!descriptor_.is_open()) refuse_read(path, errno);
  status_of(descriptor(), path_);
}

std::uint64_t File::length() const {
  return static_cast<std::uint64_t>(status_of(descriptor(), path_).st_size);
}

void File::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count =
        ::pread(descriptor(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error(ErrorKind::environment, path_.string() + " cannot be read (" +
                                              std::generic_category().message(errno) +
                                              "). Check the disk.");
    }
    if (count == 0) refuse_read(path_, "it became shorter while it was read");
    offset += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  return read_all<std::vector<std::byte>>(path);
}

std::string read_text(const std::filesystem::path& path) {
  return read_all<std::string>(path);
}

}  // namespace gainsweep::disk

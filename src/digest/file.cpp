#include "digest/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace gainsweep::digest {
namespace {

// File systems that move a file's change time at every change and give it no other way. Not among
// them: images (squashfs and the like, whose times are whatever the image's maker wrote), overlays
// of such images, and whatever a FUSE program answers. Magic numbers as statfs(2) lists them.
constexpr std::uint32_t nfs = 0x6969;
constexpr std::array<std::uint32_t, 10> dating_file_systems{
    0xEF53,      // ext2, ext3, ext4
    0x58465342,  // XFS
    0x9123683E,  // Btrfs
    0x2FC12FC1,  // ZFS
    0xF2F52010,  // F2FS
    0x01021994,  // tmpfs
    nfs,
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x00C36400,  // Ceph
};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse_file(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) refuse_file(path, "it is not a regular file");
  return status;
}

bool dates_changes(int descriptor, std::int64_t changed_ns) {
  struct statfs system {};
  if (::fstatfs(descriptor, &system) != 0) return false;
  const auto magic = static_cast<std::uint32_t>(system.f_type);
  // An image that a server exports: its times are whole seconds.
  if (magic == nfs && changed_ns % 1'000'000'000 == 0) return false;
  return std::find(dating_file_systems.begin(), dating_file_systems.end(), magic) !=
         dating_file_systems.end();
}

}  // namespace

void refuse_file(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorKind::input, "cannot read '" + path.string() + "' (" + why +
                                    "). Give a regular file that this user may read.");
}

std::string to_text(const FileState& state) {
  std::string text;
  const auto add = [&](const char* name, auto value) {
    text += std::string(name) + " " + std::to_string(value) + "\n";
  };
  add("device", state.device);
  add("inode", state.inode);
  add("bytes", state.size);
  add("modified_ns", state.modified_ns);
  add("changed_ns", state.changed_ns);
  add("dated", static_cast<int>(state.dated));
  return text + "path " + state.path + "\n";
}

File::File(const std::filesystem::path& path)
    // O_NONBLOCK: opening a pipe without a writer must not wait for one.
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) refuse_file(path, std::strerror(errno));
}

File::~File() {
  ::close(descriptor_);
}

FileState File::state() const {
  const auto status = status_of(descriptor_, path_);
  std::error_code problem;
  const auto real = std::filesystem::canonical(path_, problem);
  if (problem) refuse_file(path_, problem.message());
  return {.path = real.string(),
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim),
          .dated = dates_changes(descriptor_, nanoseconds(status.st_ctim))};
}

std::uint64_t File::length() const {
  return static_cast<std::uint64_t>(status_of(descriptor_, path_).st_size);
}

void File::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t count =
        ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse_file(path_, std::strerror(errno));
    if (count == 0) refuse_file(path_, "it became shorter while it was read");
    offset += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace gainsweep::digest

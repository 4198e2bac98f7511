#include "digest/file_state.hpp"

#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

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

FileState state_of(const disk::File& file) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) disk::refuse_read(file.path(), errno);
  std::error_code problem;
  const auto real = std::filesystem::canonical(file.path(), problem);
  if (problem) disk::refuse_read(file.path(), problem.message());
  return {.path = real.string(),
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim),
          .dated = dates_changes(file.descriptor(), nanoseconds(status.st_ctim))};
}

}  // namespace gainsweep::digest

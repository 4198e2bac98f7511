#include "disk/mark.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "disk/descriptor.hpp"
#include "disk/host.hpp"

namespace gainsweep::disk {
namespace {

/// A file whatever its name is.
struct Identity {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const Identity&) const = default;
};

Identity identity_of(const Descriptor& file) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

/// The marks of this process; never destroyed, for threads that end it.
struct OwnMarks {
  std::mutex mutex;
  std::map<std::filesystem::path, Descriptor> files;  ///< open, so that no other gets the inode
};

OwnMarks& own_marks() {
  static auto& marks = *new OwnMarks;
  return marks;
}

std::filesystem::path mark_in(const std::filesystem::path& folder) {
  return folder / "lock.taken";
}

/// The processes that numbers of this process's count in: those of a container are others.
std::string numbering() {
  std::array<char, 64> text{};
  const ssize_t size = ::readlink("/proc/self/ns/pid", text.data(), text.size() - 1);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "unknown";
}

/// When a process started, in ticks since the machine did; empty for one that is not there. A later
/// process of the same number has another start.
std::string start_of(long process) {
  std::ifstream stream("/proc/" + std::to_string(process) + "/stat");
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto name_end = text.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return "";
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  constexpr int start_after_name = 20;
  for (int i = 0; i < start_after_name; ++i) rest >> field;
  return field;
}

/// What a mark says: two lines, the second for whoever asks whether the holder is still there.
struct Holder {
  std::string name;  ///< "process 7 on node1"; empty when it is not written yet
  std::string host, numbering, start;
  long process = 0;
};

std::string text_of_own() {
  const auto process = std::to_string(::getpid());
  return "process " + process + " on " + host_name() + "\n" + numbering() + " " +
         start_of(::getpid()) + "\n";
}

/// The holder in an open mark.
Holder holder_in(const Descriptor& file) {
  std::array<char, 512> bytes{};
  const ssize_t size = ::pread(file.number(), bytes.data(), bytes.size(), 0);
  std::istringstream text(std::string(bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
  Holder holder;
  std::getline(text, holder.name);
  text >> holder.numbering >> holder.start;
  std::istringstream name(holder.name);
  std::string word;
  name >> word >> holder.process >> word >> holder.host;
  return holder;
}

/// Whether it is known from here that a holder is no more.
bool is_gone(const Holder& holder) {
  return !holder.start.empty() && holder.host == host_name() && holder.numbering == numbering() &&
         start_of(holder.process) != holder.start;
}

Descriptor open_mark(const std::filesystem::path& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

[[noreturn]] void refuse(const std::filesystem::path& path, const Holder& holder) {
  const auto name = holder.name.empty() ? "another process" : holder.name;
  throw Error(ErrorKind::environment,
              path.parent_path().string() + " is in use (" + path.string() + " was made by " +
                  name +
                  ", and the file system has no flock that would tell whether it still runs). Wait "
                  "for that run or stop it; if it is gone, remove " +
                  path.string() + " and run the same command again.");
}

[[noreturn]] void refuse_write(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::environment, path.string() + " cannot be written (" +
                                          std::generic_category().message(code) +
                                          "). Choose an output folder that is writable.");
}

/// Removes a mark of this process: where its folder was moved away, the path may name another's.
void remove_own(const std::filesystem::path& path, const Descriptor& own) {
  if (identity_of(open_mark(path)) == identity_of(own)) ::unlink(path.c_str());
}

/// Removes the mark of a holder that is gone. It is moved away first and looked at again: another
/// process may have done the same and made its own meanwhile, which then gets its name back.
void remove_left(const std::filesystem::path& path, const Descriptor& left) {
  auto aside = path;
  aside += "-left-" + std::to_string(::getpid());
  if (::rename(path.c_str(), aside.c_str()) != 0) return;
  const bool same = identity_of(open_mark(aside)) == identity_of(left);
  if (!same && ::link(aside.c_str(), path.c_str()) != 0 && errno != EEXIST)
    refuse_write(path, errno);
  ::unlink(aside.c_str());
}

}  // namespace

void refuse_marked(const std::filesystem::path& folder) {
  const auto path = mark_in(folder);
  const Descriptor file = open_mark(path);
  if (!file.is_open()) return;
  const auto holder = holder_in(file);
  if (!is_gone(holder)) refuse(path, holder);
  remove_left(path, file);
}

std::string mark_holder(const std::filesystem::path& folder) {
  const Descriptor file = open_mark(mark_in(folder));
  if (!file.is_open()) return "";
  const auto holder = holder_in(file);
  if (is_gone(holder)) return "";
  return holder.name.empty() ? "another process" : holder.name;
}

FolderMark::FolderMark(const std::filesystem::path& folder)
    : path_(std::filesystem::absolute(mark_in(folder))) {
  constexpr int mode = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  refuse_marked(folder);
  Descriptor file(::open(path_.c_str(), mode, 0666));
  if (!file.is_open()) {
    const int code = errno;
    if (code == EEXIST) refuse(path_, holder_in(open_mark(path_)));
    refuse_write(path_, code);
  }
  const auto text = text_of_own();
  const bool written =
      ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.number()) == 0;
  if (!written) {
    const int code = errno;
    ::unlink(path_.c_str());
    refuse_write(path_, code);
  }
  const std::lock_guard guard(own_marks().mutex);
  own_marks().files[path_] = std::move(file);
}

FolderMark::FolderMark(FolderMark&& other) noexcept
    : path_(std::exchange(other.path_, std::filesystem::path())) {}

FolderMark::~FolderMark() {
  if (path_.empty()) return;
  auto& marks = own_marks();
  const std::lock_guard guard(marks.mutex);
  const auto own = marks.files.find(path_);
  if (own == marks.files.end()) return;
  remove_own(path_, own->second);
  marks.files.erase(own);
}

void release_marks() {
  auto& marks = own_marks();
  const std::lock_guard guard(marks.mutex);
  for (const auto& [path, file] : marks.files) remove_own(path, file);
  marks.files.clear();
}

}  // namespace gainsweep::disk

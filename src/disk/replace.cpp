#include "disk/replace.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "disk/descriptor.hpp"
#include "disk/file.hpp"
#include "disk/host.hpp"

namespace gainsweep::disk {
namespace {

[[noreturn]] void refuse_write(const std::filesystem::path& path, int code) {
  throw Error(ErrorKind::environment,
              path.string() + " cannot be written (" + std::generic_category().message(code) +
                  "). Free space, correct the permissions or choose another output folder, then "
                  "run the same command again.");
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  return folder_of(path) / (temporary_prefix + path.filename().string() + "-" + host_name() + "-" +
                            std::to_string(::getpid()) + "-" + std::to_string(count++));
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

/// Writes a new file, synchronises it where `lasting`, and closes it; 0 or the error number.
int write_file(Descriptor file, std::initializer_list<std::span<const std::byte>> pieces,
               bool lasting) {
  for (const auto& piece : pieces) {
    if (const int code = write_all(file.number(), piece)) return code;
  }
  if (lasting && ::fsync(file.number()) != 0) return errno;
  return file.close();
}

/// 0 or the error number. File systems that cannot sync a folder say EINVAL.
int sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) return errno;
  return ::fsync(descriptor.number()) != 0 && errno != EINVAL ? errno : 0;
}

}  // namespace

void make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) refuse_write(folder, code.value());
}

NewFile::NewFile(std::filesystem::path final_path,
                 std::initializer_list<std::span<const std::byte>> pieces, Durability durability)
    : final_path_(std::move(final_path)),
      durability_(durability),
      path_(temporary_beside(final_path_)) {
  Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.is_open()) refuse_write(path_, errno);
  if (const int code = write_file(std::move(file), pieces, durability == Durability::lasting)) {
    ::unlink(path_.c_str());
    refuse_write(path_, code);
  }
}

NewFile::~NewFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void NewFile::commit() {
  if (::rename(path_.c_str(), final_path_.c_str()) != 0) refuse_write(final_path_, errno);
  path_.clear();
  if (durability_ == Durability::passing) return;
  if (const int code = sync_folder(folder_of(final_path_))) refuse_write(final_path_, code);
}

void duplicate(const std::filesystem::path& path, const std::filesystem::path& second) {
  if (::link(path.c_str(), second.c_str()) == 0) {
    if (const int code = sync_folder(folder_of(second))) refuse_write(second, code);
    return;
  }
  if (errno == EEXIST) refuse_write(second, errno);
  const auto bytes = read_bytes(path);
  NewFile(second, {bytes}).commit();
}

void replace(const std::filesystem::path& path, std::string_view text, Durability durability) {
  NewFile(path, {std::as_bytes(std::span(text))}, durability).commit();
}

}  // namespace gainsweep::disk

#include "disk/mapped_file.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "disk/file.hpp"

namespace gainsweep::disk {

MappedFile MappedFile::open(const std::filesystem::path& path) {
  const File file(path);
  const std::size_t size = file.length();
  if (size == 0) return MappedFile(path, {});  // a mapping cannot be empty
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (address == MAP_FAILED) refuse_read(path, errno);
  return MappedFile(path, {static_cast<const std::byte*>(address), size});
}

MappedFile MappedFile::zeros(std::size_t size) {
  if (size == 0) return MappedFile({}, {});
  void* const address =
      ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    throw Error(ErrorKind::environment, "no room for " + std::to_string(size) +
                                            " bytes of addresses (" +
                                            std::generic_category().message(errno) +
                                            "). Raise the limit of virtual memory (ulimit -v).");
  return MappedFile({}, {static_cast<const std::byte*>(address), size});
}

MappedFile::MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::string_view MappedFile::text() const {
  return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
}

}  // namespace gainsweep::disk

#include "archive/archive.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "archive/layout.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::archive {
namespace {

/// The seal stands in a block before the HDF5 part, where HDF5 allows foreign bytes. Its digest is
/// checked before the HDF5 library sees a byte: damaged files can crash it.
constexpr std::size_t seal_size = 512;
constexpr std::string_view seal_start = "gainsweep archive\n";

std::string seal_of(std::span<const std::byte> image) {
  std::string seal(seal_start);
  seal += "bytes " + std::to_string(image.size()) + "\n";
  seal += "sha256 " + digest::of_bytes(image) + "\n";
  seal.resize(seal_size, '\0');
  return seal;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Number of bytes that a seal promises; 0 when it is unreadable.
std::size_t promised_bytes(std::string_view seal) {
  const std::string_view label = "bytes ";
  seal.remove_prefix(seal_start.size());
  if (!seal.starts_with(label)) return 0;
  std::size_t bytes = 0;
  for (const char digit : seal.substr(label.size(), 15)) {
    if (digit < '0' || digit > '9') break;
    bytes = bytes * 10 + static_cast<std::size_t>(digit - '0');
  }
  return bytes;
}

/// The HDF5 part of a file's bytes once its seal is checked. Error(input).
std::span<const std::byte> unsealed(std::span<const std::byte> bytes) {
  constexpr std::string_view hdf5_start = "\x89HDF\r\n\x1a\n";
  const std::string_view text = as_text(bytes);
  if (bytes.size() < seal_size || !text.starts_with(seal_start)) {
    throw Error(ErrorKind::input,
                std::string("it is not a gainsweep archive (") +
                    (text.starts_with(hdf5_start) ? "an HDF5 file of another program"
                                                  : "its first bytes say so") +
                    "). Name the archive.h5 of a gainsweep run");
  }
  const auto image = bytes.subspan(seal_size);
  const std::size_t promised = promised_bytes(text);
  if (image.size() < promised) {
    throw Error(ErrorKind::input, "it is cut short (" + std::to_string(image.size()) + " of " +
                                      std::to_string(promised) +
                                      " bytes after its seal). Copy it again or repeat the run");
  }
  if (text.substr(0, seal_size) != seal_of(image)) {
    throw Error(ErrorKind::input,
                "it is damaged or was altered (its bytes do not match the SHA-256 at its start). "
                "Copy it again or repeat the run");
  }
  return image;
}

/// The archive under a temporary name. Its image in memory ends here, before it is read back.
disk::NewFile write_unnamed(const std::filesystem::path& path, const Contents& contents) {
  const std::vector<std::byte> image = encode(contents, archive_kind);
  const std::string seal = seal_of(image);
  return disk::NewFile(path, {std::as_bytes(std::span(seal)), image});
}

}  // namespace

void write(const std::filesystem::path& path, const Contents& contents,
           const std::function<void()>& check) {
  disk::NewFile file = write_unnamed(path, contents);
  const Contents back = read(file.path());
  std::vector<std::string> changed = differences(contents, back);
  for (const std::string& message : measured_differences(contents, back)) {
    changed.push_back(message);
  }
  if (!changed.empty()) {
    throw Error(ErrorKind::environment, path.string() + " does not read back as it was written (" +
                                            changed.front() +
                                            "). Check the HDF5 library and the disk.");
  }
  if (check) check();
  file.commit();
}

Contents read(std::span<const std::byte> bytes) {
  return decode(unsealed(bytes), archive_kind);
}

Contents read(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = disk::read_bytes(path);
  try {
    return read(bytes);
  } catch (const Error& error) {
    throw with_context(error, path.string());
  }
}

}  // namespace gainsweep::archive

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "archive/table.hpp"

/// Made-up contents and folders for the tests of the archive.
namespace gainsweep::archive::sample {

/// Contents with every type, rank, empty and special value, in an order that reading keeps.
Contents small();

/// Random contents: tables, nested groups, types, shapes, texts and special numbers from `seed`.
Contents random(std::uint64_t seed);

/// A record of a table "scores" with a vector of three numbers and a text.
Record record(std::uint64_t order);

/// A key of 64 hex digits.
std::string key(std::uint64_t number);

/// An empty folder that goes away with the object.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string file_bytes(const std::filesystem::path& path);
void put_bytes(const std::filesystem::path& path, const std::string& bytes);
/// Changes one byte of a file in place.
void put_byte(const std::filesystem::path& path, std::size_t place, char byte);

/// An archive of the bytes of an HDF5 file: with a seal in front, as docs/archive_format.md says.
std::string sealed(const std::string& image);
inline constexpr std::size_t seal_size = 512;

/// Everything that differs between two contents, the measured part included; empty if
/// bit-identical.
std::string all_differences(const Contents& a, const Contents& b);

}  // namespace gainsweep::archive::sample

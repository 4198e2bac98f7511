#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace gainsweep::exported {

/// A stored file in a zip archive.
struct Member {
  std::string name;  ///< without the root folder
  std::uint32_t crc = 0;
  std::span<const std::byte> bytes;  ///< where they lie in the archive
};

/// The members of a zip archive whose bytes are stored, by the names they have in its one root
/// folder.
class Zip {
 public:
  /// Reads the central directory, zip64 included. Error(input) naming file and member for a
  /// truncated archive, one in several parts, encrypted or compressed members, members that
  /// overlap or end beyond the directory, local headers that say another name, a doubled name, a
  /// name outside the root folder or one that would garble messages. Checksums are compared when
  /// members are asked for.
  Zip(std::span<const std::byte> bytes, std::filesystem::path file);

  const std::filesystem::path& file() const { return file_; }
  bool contains(const std::string& name) const { return members_.contains(name); }
  std::vector<std::string> names() const;
  /// Error(input) for a member that is not there or has another checksum than the directory says.
  std::span<const std::byte> bytes(const std::string& name) const;
  std::string_view text(const std::string& name) const;

 private:
  std::filesystem::path file_;
  std::map<std::string, Member> members_;
};

}  // namespace gainsweep::exported

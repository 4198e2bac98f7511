#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// Zip archives as torch.export.save writes them, for tests and fuzz targets: members stored, their
/// data aligned, sizes and checksums in the central directory alone.
namespace gainsweep::exported {

using Members = std::vector<std::pair<std::string, std::string>>;  ///< name without root, bytes

inline constexpr std::size_t alignment = 64;

template <class Number>
void append(std::string& text, Number number) {
  text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <class Number>
void put(std::string& text, std::size_t place, Number number) {
  std::memcpy(text.data() + place, &number, sizeof number);
}

inline std::uint32_t crc_of(const std::string& bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

/// The central directory with its end. With `is_wide` as zip64 has it.
inline std::string directory_of(const Members& members, const std::vector<std::size_t>& headers,
                                const std::string& root, std::size_t begin, bool is_wide) {
  std::string directory;
  constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& [name, bytes] = members[i];
    const auto size = static_cast<std::uint32_t>(bytes.size());
    directory += std::string("PK\1\2\0\0\0\0\x08\x08\0\0\0\0\0\0", 16);
    append(directory, crc_of(bytes));
    append(directory, is_wide ? in_zip64 : size);
    append(directory, is_wide ? in_zip64 : size);
    append(directory, static_cast<std::uint16_t>(root.size() + name.size()));
    append(directory, static_cast<std::uint16_t>(is_wide ? 28 : 0));
    directory += std::string(10, '\0');
    append(directory, is_wide ? in_zip64 : static_cast<std::uint32_t>(headers[i]));
    directory += root + name;
    if (!is_wide) continue;
    append(directory, std::uint32_t{1 | 24 << 16});
    for (const std::uint64_t number : {bytes.size(), bytes.size(), headers[i]})
      append(directory, number);
  }
  const auto size = directory.size();
  if (is_wide) {
    directory += std::string("PK\6\6\x2c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
    for (const std::uint64_t number : {members.size(), members.size(), size, begin})
      append(directory, number);
    directory += std::string("PK\6\7\0\0\0\0", 8);
    append(directory, static_cast<std::uint64_t>(begin + size));
    append(directory, std::uint32_t{1});
  }
  directory += std::string("PK\5\6\0\0\0\0", 8);
  for (int i = 0; i < 2; ++i)
    append(directory, static_cast<std::uint16_t>(is_wide ? 0xFFFF : members.size()));
  append(directory, is_wide ? in_zip64 : static_cast<std::uint32_t>(size));
  append(directory, is_wide ? in_zip64 : static_cast<std::uint32_t>(begin));
  append(directory, std::uint16_t{0});
  return directory;
}

/// The whole archive.
inline std::string zip_of(const Members& members, const std::string& root = "small/",
                          bool is_wide = false) {
  std::string archive;
  std::vector<std::size_t> headers;
  for (const auto& [name, bytes] : members) {
    const auto data = archive.size() + 30 + root.size() + name.size();
    const auto padding = (alignment - data % alignment) % alignment;
    headers.push_back(archive.size());
    archive += std::string("PK\3\4\0\0\x08\x08", 8) + std::string(18, '\0');
    append(archive, static_cast<std::uint16_t>(root.size() + name.size()));
    append(archive, static_cast<std::uint16_t>(padding));
    archive += root + name + std::string(padding, '\0') + bytes;
  }
  return archive + directory_of(members, headers, root, archive.size(), is_wide);
}

/// Bytes that are aligned as a mapped file's are.
class Aligned {
 public:
  explicit Aligned(const std::string& bytes)
      : memory_((bytes.size() + sizeof(Line) - 1) / sizeof(Line)), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(static_cast<void*>(memory_.data()), bytes.data(), bytes.size());
  }
  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(memory_)).first(size_);
  }

 private:
  struct alignas(alignment) Line {
    std::byte bytes[alignment];
  };
  std::vector<Line> memory_;
  std::size_t size_;
};

}  // namespace gainsweep::exported

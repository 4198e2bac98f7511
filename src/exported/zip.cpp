#include "exported/zip.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <cstring>
#include <optional>

#include "base/text.hpp"
#include "disk/foreign.hpp"
#include "exported/refusal.hpp"

namespace gainsweep::exported {
namespace {

using Bytes = std::span<const std::byte>;

// Signatures and lengths of headers without their variable parts: PKWARE's APPNOTE 6.3, 4.3 and
// 4.4.
constexpr std::uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50,
                        end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint64_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56,
                        locator_size = 20;
constexpr std::uint64_t longest_comment = 0xFFFF;
constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;
constexpr std::uint16_t in_zip64_short = 0xFFFF;

/// The little-endian number at a place that is known to be inside.
template <class Number>
Number number_at(Bytes bytes, std::uint64_t place) {
  Number number = 0;
  std::memcpy(&number, bytes.data() + place, sizeof number);
  return number;
}

std::string text_at(Bytes bytes, std::uint64_t place, std::uint64_t length) {
  return {reinterpret_cast<const char*>(bytes.data()) + place, length};
}

/// What the end of the archive says of its central directory.
struct Directory {
  std::uint64_t begin = 0, size = 0, count = 0;
};

/// What the central directory says of a member.
struct Entry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::uint64_t stored = 0, size = 0, header = 0;
};

class Parser {
 public:
  Parser(Bytes bytes, const std::filesystem::path& file) : bytes_(bytes), file_(file) {}

  std::vector<Member> members() const {
    const auto directory = find_directory();
    std::vector<std::pair<std::uint64_t, std::uint64_t>> extents;
    std::vector<Member> members;
    auto place = directory.begin;
    const auto end = directory.begin + directory.size;
    for (std::uint64_t i = 0; i < directory.count; ++i) {
      const auto entry = read_entry(place, end);
      const auto data = data_of(entry, directory.begin);
      extents.emplace_back(entry.header, data + entry.size);
      members.push_back({entry.name, entry.crc, bytes_.subspan(data, entry.size)});
    }
    if (place != end) refuse(file_, "its zip directory has bytes after its last entry");
    check_apart(extents);
    return members;
  }

 private:
  template <class Number>
  Number at(std::uint64_t place) const {
    return number_at<Number>(bytes_, place);
  }

  bool has(std::uint64_t place, std::uint64_t size) const {
    return place <= bytes_.size() && size <= bytes_.size() - place;
  }

  std::uint64_t find_end() const {
    if (bytes_.size() >= end_size) {
      const auto last = bytes_.size() - end_size;
      const auto first = last - std::min(last, longest_comment);
      for (auto place = last + 1; place-- > first;)
        if (at<std::uint32_t>(place) == end_mark &&
            place + end_size + at<std::uint16_t>(place + 20) == bytes_.size())
          return place;
    }
    const auto kind = disk::foreign_content(bytes_, "the zip archive of torch.export.save");
    if (!kind.empty() && !kind.starts_with("a zip")) refuse(file_, "it is " + kind);
    refuse(file_, "no end of a zip archive (truncated, or no zip archive)");
  }

  Directory find_directory() const {
    const auto end = find_end();
    Directory directory{at<std::uint32_t>(end + 16), at<std::uint32_t>(end + 12),
                        at<std::uint16_t>(end + 10)};
    if (at<std::uint16_t>(end + 4) % in_zip64_short != 0) refuse(file_, "a part of a split zip");
    auto limit = end;
    if (directory.begin == in_zip64 || directory.size == in_zip64 ||
        directory.count == in_zip64_short) {
      if (end < locator_size || at<std::uint32_t>(end - locator_size) != locator_mark)
        refuse(file_, "its zip directory is said to be zip64, whose end is not there");
      limit = at<std::uint64_t>(end - locator_size + 8);
      if (!has(limit, end64_size) || at<std::uint32_t>(limit) != end64_mark)
        refuse(file_, "its zip64 end is not where it is said to be");
      directory = {at<std::uint64_t>(limit + 48), at<std::uint64_t>(limit + 40),
                   at<std::uint64_t>(limit + 32)};
    }
    if (directory.begin > limit || directory.size > limit - directory.begin)
      refuse(file_, "its zip directory ends beyond its end (truncated)");
    if (directory.count == 0) refuse(file_, "an empty zip archive");
    return directory;
  }

  /// The entry at `place`, which is set to the next one.
  Entry read_entry(std::uint64_t& place, std::uint64_t end) const {
    if (end - place < central_size || at<std::uint32_t>(place) != central_mark)
      refuse(file_, "its zip directory has fewer entries than it says");
    const auto name = at<std::uint16_t>(place + 28), extra = at<std::uint16_t>(place + 30),
               comment = at<std::uint16_t>(place + 32);
    const std::uint64_t size = central_size + name + extra + comment;
    if (end - place < size) refuse(file_, "its zip directory ends within an entry");
    Entry entry{text_at(bytes_, place + central_size, name),
                at<std::uint16_t>(place + 8),
                at<std::uint16_t>(place + 10),
                at<std::uint32_t>(place + 16),
                at<std::uint32_t>(place + 20),
                at<std::uint32_t>(place + 24),
                at<std::uint32_t>(place + 42)};
    widen(entry, bytes_.subspan(place + central_size + name, extra));
    place += size;
    return entry;
  }

  /// Takes from the extra field what does not fit 32 bits.
  void widen(Entry& entry, Bytes extra) const {
    std::vector<std::uint64_t*> wide;
    for (auto* number : {&entry.size, &entry.stored, &entry.header})
      if (*number == in_zip64) wide.push_back(number);
    while (!wide.empty()) {
      if (extra.size() < 4) refuse_member(entry, "has no zip64 sizes, and says that it has");
      const auto kind = number_at<std::uint16_t>(extra, 0);
      const std::size_t size = number_at<std::uint16_t>(extra, 2);
      if (extra.size() - 4 < size) refuse_member(entry, "has an extra field that is cut off");
      if (kind == 1) {
        if (size < 8 * wide.size()) refuse_member(entry, "has too few zip64 sizes");
        for (std::size_t i = 0; i < wide.size(); ++i)
          *wide[i] = number_at<std::uint64_t>(extra, 4 + 8 * i);
        return;
      }
      extra = extra.subspan(4 + size);
    }
  }

  /// Where the data of a member begin; they end before `limit`.
  std::uint64_t data_of(const Entry& entry, std::uint64_t limit) const {
    if (entry.flags & 1) refuse_member(entry, "is encrypted");
    if (entry.method != 0)
      refuse_member(entry, "is compressed (method " + std::to_string(entry.method) +
                               "; torch.export.save stores members as they are)");
    if (entry.stored != entry.size) refuse_member(entry, "has two sizes, though it is stored");
    if (entry.header > limit || limit - entry.header < local_size ||
        at<std::uint32_t>(entry.header) != local_mark)
      refuse_member(entry, "has no header where the zip directory says");
    const auto name = at<std::uint16_t>(entry.header + 26);
    const auto data = entry.header + local_size + name + at<std::uint16_t>(entry.header + 28);
    if (data > limit || entry.size > limit - data)
      refuse_member(entry, "ends beyond the data of the archive (truncated)");
    if (text_at(bytes_, entry.header + local_size, name) != entry.name)
      refuse_member(entry, "has another name in its own header");
    return data;
  }

  void check_apart(std::vector<std::pair<std::uint64_t, std::uint64_t>>& extents) const {
    std::sort(extents.begin(), extents.end());
    for (std::size_t i = 1; i < extents.size(); ++i)
      if (extents[i].first < extents[i - 1].second)
        refuse(file_,
               "members of the zip archive overlap at byte " + std::to_string(extents[i].first));
  }

  [[noreturn]] void refuse_member(const Entry& entry, const std::string& what) const {
    refuse(file_, "member " + quote(entry.name) + " " + what);
  }

  Bytes bytes_;
  const std::filesystem::path& file_;
};

constexpr std::size_t longest_name = 512;  // messages name members

bool is_odd(const std::string& name) {
  return name.size() > longest_name || std::ranges::any_of(name, is_control);
}

bool leaves_root(const std::string& name) {
  const auto parts = split(name, '/');
  return std::ranges::any_of(
      parts, [](const auto& part) { return part.empty() || part == "." || part == ".."; });
}

}  // namespace

Zip::Zip(Bytes bytes, std::filesystem::path file) : file_(std::move(file)) {
  auto members = Parser(bytes, file_).members();
  const auto& first = members.front().name;
  const auto slash = first.find('/');
  if (slash == std::string::npos || slash == 0)
    refuse(file_, "member " + quote(first) + " lies in no folder (a .pt2 file has one)");
  const auto root = first.substr(0, slash + 1);
  for (auto& member : members) {
    if (is_odd(member.name))
      refuse(file_, "member " + quote(member.name) +
                        " has control characters in its name, or more than " +
                        std::to_string(longest_name) + " bytes");
    if (!member.name.starts_with(root) || leaves_root(member.name))
      refuse(file_, "member " + quote(member.name) + " does not lie in the archive's one folder, " +
                        quote(root));
    member.name.erase(0, root.size());
    auto name = member.name;
    if (!members_.emplace(std::move(name), member).second)
      refuse(file_, "member " + quote(member.name) + " is there twice");
  }
}

std::vector<std::string> Zip::names() const {
  std::vector<std::string> names;
  for (const auto& [name, member] : members_) names.push_back(name);
  return names;
}

Bytes Zip::bytes(const std::string& name) const {
  const auto found = members_.find(name);
  if (found == members_.end()) refuse(file_, "it has no member " + quote(name));
  const auto& member = found->second;
  boost::crc_32_type crc;
  crc.process_bytes(member.bytes.data(), member.bytes.size());
  if (crc.checksum() != member.crc)
    refuse(file_, "member " + quote(name) + " has another checksum (CRC) than its archive says");
  return member.bytes;
}

std::string_view Zip::text(const std::string& name) const {
  const auto content = bytes(name);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

}  // namespace gainsweep::exported

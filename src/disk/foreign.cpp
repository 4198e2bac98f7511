#include "disk/foreign.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace gainsweep::disk {
namespace {

using Bytes = std::span<const std::byte>;

constexpr const char* unpack = "Unpack it first";
constexpr const char* convert =
    "Load it where it was made (torch.load, numpy.load) and save it in the format that is asked "
    "for";
constexpr const char* download =
    "Download the file itself: a server answered with this page instead (a login or another "
    "address may be needed)";

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::function<bool(Bytes)> begins(std::string_view with) {
  return [with](Bytes bytes) { return text_of(bytes).starts_with(with); };
}

/// Whether the first letters, spaces aside, are those of a mark-up language; `with` in lower case.
std::function<bool(Bytes)> begins_page(std::string_view with) {
  return [with](Bytes bytes) {
    auto text = text_of(bytes);
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text.size() >= with.size() &&
           std::equal(with.begin(), with.end(), text.begin(), [](char wanted, char found) {
             return wanted == std::tolower(static_cast<unsigned char>(found));
           });
  };
}

bool is_pickle(Bytes bytes) {
  constexpr char protocol = '\x80', first = 2, last = 5;
  const auto text = text_of(bytes);
  return text.size() > 2 && text[0] == protocol && text[1] >= first && text[1] <= last;
}

bool is_blank(Bytes bytes) {
  constexpr std::size_t enough = 4096;  // a page; few zeros may well be a short file of some kind
  return bytes.size() >= enough &&
         std::ranges::all_of(bytes.first(enough), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

Table<ForeignKind>& foreign_kinds() {
  static Table<ForeignKind> table{
      {"a git-lfs pointer",
       "Fetch what it points to: 'git lfs pull' in the repository that it came from",
       begins("version https://git-lfs.github.com/")},
      {"an HTML page", download, begins_page("<!doctype html")},
      {"an HTML page", download, begins_page("<html")},
      {"an XML page", download, begins_page("<?xml")},
      {"a zip archive, as torch.save and numpy.savez write", convert, begins("PK\x03\x04")},
      {"a Python pickle", convert, is_pickle},
      {"a NumPy array", convert, begins("\x93NUMPY")},
      {"an HDF5 file", "Name the file that is asked for", begins("\x89HDF\r\n\x1a\n")},
      {"a GGUF file of llama.cpp", "Fetch the model's safetensors from which it was made",
       begins("GGUF")},
      {"a gzip archive", unpack, begins("\x1f\x8b")},
      {"a zstd archive", unpack, begins("\x28\xb5\x2f\xfd")},
      {"an xz archive", unpack, begins("\xfd\x37zXZ")},
      {"a bzip2 archive", unpack, begins("BZh")},
      {"a text in UTF-16", "Save it in UTF-8", begins("\xff\xfe")},
      {"a text in UTF-16", "Save it in UTF-8", begins("\xfe\xff")},
      {"nothing but zeros at its start", "Copy or download it again: that was not finished",
       is_blank},
  };
  return table;
}

std::string foreign_content(Bytes bytes, const std::string& wanted) {
  for (const auto& kind : foreign_kinds()) {
    if (kind.matches(bytes)) return kind.name + ", not " + wanted + ". " + kind.advice;
  }
  return "";
}

}  // namespace gainsweep::disk

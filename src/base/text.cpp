#include "base/text.hpp"

#include <algorithm>

namespace gainsweep {
namespace {

constexpr std::size_t most_shown_bytes = 60;

}  // namespace

std::string shown(const std::string& text) {
  std::size_t size = std::min(text.size(), most_shown_bytes);
  // Cut between characters: continuation bytes of UTF-8 start with the bits 10.
  while (size < text.size() && size > 0 &&
         (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  std::string line = text.substr(0, size);
  std::replace_if(line.begin(), line.end(), is_control, ' ');
  return "'" + line + (size < text.size() ? "…" : "") + "'";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace gainsweep

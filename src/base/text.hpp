#pragma once

#include <string>
#include <vector>

namespace gainsweep {

/// Whether a byte is an ASCII control character, which would garble a message or a terminal.
constexpr bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
}

/// A user's text for a message: in single quotes, one line, shortened when long.
std::string shown(const std::string& text);

/// "a, b, c".
std::string joined(const std::vector<std::string>& names);

}  // namespace gainsweep

#pragma once

namespace gainsweep {

/// Whether a byte is an ASCII control character, which would garble a message or a terminal.
constexpr bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
}

}  // namespace gainsweep

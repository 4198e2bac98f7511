#pragma once

#include <cstddef>
#include <string_view>

namespace gainsweep {

/// Bytes of the UTF-8 character that a text starts with; 0 where it starts with none.
std::size_t utf8_size(std::string_view text);
/// Whether a text is UTF-8 from its start to its end.
bool is_utf8(std::string_view text);

}  // namespace gainsweep

#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gainsweep::archive {

/// "0-3,7" of rising numbers, and back. Error(input) for anything else.
std::string ranges_text(const std::vector<std::size_t>& numbers);
std::vector<std::size_t> parse_ranges(const std::string& text);

}  // namespace gainsweep::archive

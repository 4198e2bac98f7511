#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gainsweep::archive {

/// "0-3,7" of rising numbers.
std::string ranges_text(const std::vector<std::size_t>& numbers);

/// The numbers, all below `limit`. Error(input) for anything else.
std::vector<std::size_t> parse_ranges(const std::string& text, std::size_t limit);

}  // namespace gainsweep::archive

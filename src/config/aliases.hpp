#pragma once

#include "config/document.hpp"

namespace gainsweep::config {

inline constexpr std::size_t most_meant = 100'000;  ///< values that aliases stand for, all told

/// As parse_document, of a kind of files that may name a value where it stands and mean it
/// elsewhere: aliases are written out. Reports those of themselves and of more than `most_meant`.
std::optional<Node> parse_with_aliases(const std::string& text, Problems& problems);

}  // namespace gainsweep::config

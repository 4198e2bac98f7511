#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/problems.hpp"

namespace gainsweep::config {

struct Entry;

/// A value of a YAML document as it was written: nothing is resolved, converted or expanded.
struct Node {
  enum class Kind {
    null,      ///< nothing, `~` or `null`
    scalar,    ///< `text`
    sequence,  ///< `items`
    mapping,   ///< `entries`
    refused,   ///< already reported; nobody reads it
  };
  Kind kind = Kind::null;
  int line = 1;  ///< counted from 1; of a setting see Problems
  std::string text{};
  bool quoted = false;  ///< a quoted or block scalar: text whatever it looks like
  std::vector<Node> items{};
  std::vector<Entry> entries;
};

/// A key and its value; the keys of a mapping are different.
struct Entry {
  std::string key;
  int line = 1;
  Node value;
};

inline constexpr std::size_t most_bytes = std::size_t{1} << 20;  ///< of a spec
inline constexpr std::size_t most_levels = 32;                   ///< of its nesting

/// The value that a YAML text of no name holds, its nodes on the line `line`. Reports what a spec
/// may not hold either; nothing comes back when there is nothing to go on with.
std::optional<Node> parse_value(const std::string& text, int line, const std::string& path,
                                Problems& problems);

/// The mapping that a YAML text holds. Reports what YAML allows and a spec does not (doubled and
/// non-scalar keys, anchors, aliases, tags, several documents) and what is no YAML at all; nothing
/// comes back when there is no mapping to go on with.
std::optional<Node> parse_document(const std::string& text, Problems& problems);

}  // namespace gainsweep::config

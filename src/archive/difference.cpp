#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "archive/archive.hpp"
#include "archive/layout.hpp"
#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

using Messages = std::vector<std::string>;

/// Shortest decimal that gives the same number back; NaNs with their bits.
std::string shown(double value) {
  if (!std::isnan(value)) return shortest(value);
  std::array<char, 16> text{};
  const auto bits =
      std::to_chars(text.begin(), text.end(), std::bit_cast<std::uint64_t>(value), 16);
  return shortest(value) + " (bits " + std::string(text.begin(), bits.ptr) + ")";
}

std::string shown(std::int64_t value) {
  return std::to_string(value);
}

/// A text as one short line; long ones from shortly before `from`.
std::string shown(const std::string& text, std::size_t from = 0) {
  constexpr std::size_t before = 20;
  constexpr std::size_t longest = 80;
  const std::size_t begin = text.size() > longest && from > before ? from - before : 0;
  const std::string piece = one_line(text.substr(std::min(begin, text.size()), longest));
  return (begin > 0 ? "…\"" : "\"") + piece + (begin + longest < text.size() ? "\"…" : "\"");
}

std::string against(const std::string& path, const std::string& a, const std::string& b) {
  return path + ": " + a + " against " + b;
}

std::string text_difference(const std::string& path, const std::string& a, const std::string& b) {
  const auto first = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  const auto from = static_cast<std::size_t>(first - a.begin());
  return against(path, shown(a, from), shown(b, from));
}

std::string listed(const std::vector<std::string>& items) {
  return "[" + join(items, ",") + "]";
}

std::string shown_shape(const std::vector<std::size_t>& shape) {
  std::vector<std::string> extents;
  for (const std::size_t extent : shape) extents.push_back(std::to_string(extent));
  return listed(extents);
}

/// "[12,3,0]" for a row-major place; nothing for a scalar.
std::string place(std::size_t index, const std::vector<std::size_t>& shape) {
  if (shape.empty()) return "";
  std::vector<std::size_t> places(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    places[d] = index % shape[d];
    index /= shape[d];
  }
  return shown_shape(places);
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
template <class Value>
bool same(const Value& a, const Value& b) {
  return a == b;
}

void compare_values(const std::string& path, const Field& a, const Field& b, Messages& messages) {
  std::visit(
      [&](const auto& left) {
        const auto& right = std::get<std::decay_t<decltype(left)>>(b.values);
        for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
          if (same(left[i], right[i])) continue;
          const std::string where = path + place(i, a.shape);
          if constexpr (std::is_same_v<std::decay_t<decltype(left[i])>, std::string>) {
            messages.push_back(text_difference(where, left[i], right[i]));
          } else {
            messages.push_back(against(where, shown(left[i]), shown(right[i])));
          }
          return;
        }
      },
      a.values);
}

void compare_fields(const std::string& path, const Field& a, const Field& b, Messages& messages) {
  if (a.values.index() != b.values.index()) {
    messages.push_back(against(path, "type " + std::string(type_name(a.values)),
                               std::string(type_name(b.values))));
  } else if (a.shape != b.shape) {
    messages.push_back(against(path, "shape " + shown_shape(a.shape), shown_shape(b.shape)));
  } else if (a.axes != b.axes) {
    messages.push_back(against(path, "axes " + listed(a.axes), listed(b.axes)));
  } else if (a.units != b.units) {
    messages.push_back(text_difference(path + " (units)", a.units, b.units));
  } else if (a.long_name != b.long_name) {
    messages.push_back(text_difference(path + " (long name)", a.long_name, b.long_name));
  } else {
    compare_values(path, a, b, messages);
  }
}

/// Pairs what both sides have by `key`, in the first side's order; names what only one has.
template <class Item, class Key, class Compare>
void compare_lists(const std::vector<Item>& a, const std::vector<Item>& b, Key key, Compare compare,
                   Messages& messages) {
  const auto find = [&](const std::vector<Item>& items, const std::string& path) {
    return std::find_if(items.begin(), items.end(),
                        [&](const Item& item) { return key(item) == path; });
  };
  for (const Item& item : a) {
    const auto other = find(b, key(item));
    if (other == b.end()) {
      messages.push_back(key(item) + ": only in the first");
    } else {
      compare(item, *other);
    }
  }
  for (const Item& item : b) {
    if (find(a, key(item)) == a.end()) messages.push_back(key(item) + ": only in the second");
  }
}

void compare_texts(const std::string& group, const std::map<std::string, std::string>& a,
                   const std::map<std::string, std::string>& b, Messages& messages) {
  using Entry = std::pair<std::string, std::string>;
  compare_lists(
      std::vector<Entry>(a.begin(), a.end()), std::vector<Entry>(b.begin(), b.end()),
      [&](const Entry& entry) { return group + "/" + entry.first; },
      [&](const Entry& left, const Entry& right) {
        if (left.second == right.second) return;
        messages.push_back(text_difference(group + "/" + left.first, left.second, right.second));
      },
      messages);
}

std::vector<const Table*> of_nature(const Contents& contents, Nature nature) {
  std::vector<const Table*> tables;
  for (const Table& table : contents.tables) {
    if (table.nature == nature) tables.push_back(&table);
  }
  return tables;
}

void compare_tables(const std::string& top, const Contents& a, const Contents& b, Nature nature,
                    Messages& messages) {
  const auto path_of = [&](const Table* table) { return top + "/" + table->path; };
  const auto compare = [&](const Table* left, const Table* right) {
    const std::string path = path_of(left);
    if (left->long_name != right->long_name) {
      messages.push_back(text_difference(path + " (long name)", left->long_name, right->long_name));
    }
    const auto field_path = [&](const Field& field) { return path + "/" + field.name; };
    compare_lists(
        left->fields, right->fields, field_path,
        [&](const Field& x, const Field& y) { compare_fields(field_path(x), x, y, messages); },
        messages);
  };
  compare_lists(of_nature(a, nature), of_nature(b, nature), path_of, compare, messages);
}

}  // namespace

std::vector<std::string> differences(const Contents& a, const Contents& b) {
  Messages messages;
  compare_texts("/provenance", a.provenance, b.provenance, messages);
  compare_tables("", a, b, Nature::deterministic, messages);
  return messages;
}

std::vector<std::string> measured_differences(const Contents& a, const Contents& b) {
  Messages messages;
  compare_texts("/measured/machine", a.machine, b.machine, messages);
  compare_tables("/measured", a, b, Nature::measured, messages);
  return messages;
}

}  // namespace gainsweep::archive

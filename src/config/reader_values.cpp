#include <algorithm>
#include <cmath>
#include <functional>

#include "base/text.hpp"
#include "base/words.hpp"
#include "config/reader.hpp"
#include "config/scalar.hpp"

namespace gainsweep::config {
namespace {

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

std::string index(std::size_t i) {
  return "[" + std::to_string(i) + "]";
}

/// The numbers of a progression; both ends exactly as written.
std::vector<double> expand(const Progression& progression, bool geometric) {
  const auto [from, to, count] = progression;
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(count - 1);
    values[i] = geometric ? from * std::pow(to / from, part) : from + (to - from) * part;
  }
  values.front() = from;
  values.back() = to;
  return values;
}

}  // namespace

void Reader::complain(const Place& place, const std::string& what) {
  complain(place, what, place.key.value);
}

void Reader::complain(const Place& place, const std::string& what, const Value& instead) {
  problems_.add(place.node.line, place.path,
                what + " (" + place.key.help + "). Write " + wanted(instead) + ".");
}

/// Numbers and flags are written without quotes.
bool Reader::is_plain_scalar(const Place& place) {
  if (place.node.kind == Node::Kind::refused) return false;
  if (place.node.kind != Node::Kind::scalar) {
    complain(place, shown(place.node) + " where a value belongs");
  } else if (place.node.quoted) {
    complain(place, shown(place.node) + " is in quotes, which makes it text");
  } else {
    return true;
  }
  return false;
}

bool Reader::is_list(const Place& place) {
  if (place.node.kind == Node::Kind::refused) return false;
  if (place.node.kind == Node::Kind::sequence) return true;
  complain(place, shown(place.node) + " where a list belongs");
  return false;
}

void Reader::read_value(const Integer& integer, const Place& place) {
  if (!is_plain_scalar(place)) return;
  const auto [value, complaint] = parse_integer(place.node.text);
  if (!value) {
    complain(place, shown(place.node) + " " + complaint, integer);
  } else if (*value < integer.least || *value > integer.most) {
    complain(place, shown(place.node) + " is too " + (*value < integer.least ? "small" : "large"),
             integer);
  } else {
    *integer.value = *value;
  }
}

std::optional<double> Reader::read_real(const Real& bounds, const Place& place) {
  if (!is_plain_scalar(place)) return {};
  const auto [value, complaint] = parse_real(place.node.text);
  if (!value) {
    complain(place, shown(place.node) + " " + complaint, bounds);
    return {};
  }
  const bool small = *value < bounds.least || (bounds.above && *value == bounds.least);
  const bool large = *value > bounds.most || (bounds.below && *value == bounds.most);
  if (!small && !large) return value;
  complain(place, shown(place.node) + " is too " + (small ? "small" : "large"), bounds);
  return {};
}

void Reader::read_value(const Real& real, const Place& place) {
  if (const auto value = read_real(real, place)) *real.value = *value;
}

void Reader::read_value(const Flag& flag, const Place& place) {
  if (!is_plain_scalar(place)) return;
  if (place.node.text == "true" || place.node.text == "false") {
    *flag.value = place.node.text == "true";
  } else {
    complain(place, shown(place.node) + " is neither true nor false");
  }
}

std::optional<std::string> Reader::read_text(const Place& place) {
  const Node& node = place.node;
  if (node.kind == Node::Kind::refused) return {};
  if (node.kind != Node::Kind::scalar) {
    complain(place, shown(node) + " where text belongs");
  } else if (node.text.empty()) {
    complain(place, "empty text");
  } else if (has_control(node.text)) {
    complain(place, shown(node) + " holds a line break or control character");
  } else if (!node.quoted && look_of(node.text) != Look::text) {
    complain(place, shown(node) + " is no text to a YAML reader unless it is in quotes");
  } else {
    return node.text;
  }
  return {};
}

std::optional<std::string> Reader::read_name(const Place& place) {
  auto text = read_text(place);
  if (!text || is_name(*text)) return text;
  complain(place, shown(*text) + " is not a name");
  return {};
}

void Reader::read_value(const Name& name, const Place& place) {
  if (auto written = read_name(place)) *name.value = std::move(*written);
}

void Reader::read_value(const OptionalName& name, const Place& place) {
  if (place.node.kind == Node::Kind::null) {
    name.value->reset();
  } else if (auto written = read_name(place)) {
    *name.value = std::move(*written);
  }
}

std::optional<std::filesystem::path> Reader::read_path(const Place& place) {
  const auto text = read_text(place);
  if (!text) return {};
  const bool is_setting = place.node.line < 1;
  const auto [path, complaint] = full_path(*text, is_setting ? "" : folder_);
  if (!path)
    problems_.add(place.node.line, place.path,
                  shown(*text) + " " + complaint + ". Write a path without it.");
  return path;
}

void Reader::read_value(const Path& path, const Place& place) {
  if (auto written = read_path(place)) *path.value = std::move(*written);
}

void Reader::read_value(const OptionalPath& path, const Place& place) {
  if (place.node.kind == Node::Kind::null) {
    path.value->reset();
  } else if (auto written = read_path(place)) {
    *path.value = std::move(*written);
  }
}

void Reader::read_value(const Paths& paths, const Place& place) {
  if (!is_list(place)) return;
  paths.value->clear();
  for (std::size_t i = 0; i < place.node.items.size(); ++i) {
    const Node& item = place.node.items[i];
    auto path = read_path({place.key, item, place.path + index(i), item.line});
    if (path) paths.value->push_back(std::move(*path));
  }
}

std::optional<std::string> Reader::read_choice(const std::vector<std::string>& names,
                                               const Place& place) {
  const Node& node = place.node;
  if (node.kind == Node::Kind::refused) return {};
  if (node.kind != Node::Kind::scalar) {
    problems_.add(node.line, place.path,
                  shown(node) + " where a word belongs (" + place.key.help + "). Write " +
                      one_of(names) + ".");
  } else if (std::find(names.begin(), names.end(), node.text) == names.end()) {
    problems_.add(node.line, place.path, unknown_word(node.text, names, place.key.help));
  } else {
    return node.text;
  }
  return {};
}

void Reader::read_value(const Choice& choice, const Place& place) {
  if (const auto name = read_choice(choice.names, place)) choice.set(*name);
}

void Reader::read_value(const ChoiceList& list, const Place& place) {
  if (!is_list(place)) return;
  std::vector<std::string> chosen;
  for (std::size_t i = 0; i < place.node.items.size(); ++i) {
    const Node& item = place.node.items[i];
    const std::string path = place.path + index(i);
    const auto name = read_choice(list.names, {place.key, item, path, item.line});
    if (!name) continue;
    if (std::find(chosen.begin(), chosen.end(), *name) != chosen.end()) {
      problems_.add(item.line, path,
                    shown(*name) + " stands in the list already (" + place.key.help +
                        "). Remove one of the two.");
    } else {
      chosen.push_back(*name);
    }
  }
  if (place.node.items.size() < list.least_count) complain(place, "an empty list");
  list.set(chosen);
}

std::vector<std::string> Reader::read_texts(const Place& place) {
  std::vector<std::string> texts;
  if (!is_list(place)) return texts;
  for (std::size_t i = 0; i < place.node.items.size(); ++i) {
    const Node& item = place.node.items[i];
    const auto text = read_text({place.key, item, place.path + index(i), item.line});
    if (text) texts.push_back(*text);
  }
  return texts;
}

void Reader::read_value(const Patterns& patterns, const Place& place) {
  *patterns.value = read_texts(place);
}

void Reader::read_value(const OptionalPatterns& patterns, const Place& place) {
  if (place.node.kind == Node::Kind::null) {
    patterns.value->reset();
  } else {
    *patterns.value = read_texts(place);
  }
}

void Reader::read_value(const PatternGroups& groups, const Place& place) {
  if (!is_list(place)) return;
  groups.value->clear();
  for (std::size_t i = 0; i < place.node.items.size(); ++i) {
    const Node& item = place.node.items[i];
    const Place inner{place.key, item, place.path + index(i), item.line};
    if (item.kind == Node::Kind::sequence && item.items.empty()) {
      complain(inner, "an empty group");
    } else {
      groups.value->push_back(read_texts(inner));
    }
  }
}

void Reader::read_progression(const Grid& grid, const Place& place) {
  const auto& entries = place.node.entries;
  if (entries.size() != 1 || (entries[0].key != "geometric" && entries[0].key != "linear")) {
    complain(place, "a mapping that is no progression");
    return;
  }
  const std::string path = place.path + "." + entries[0].key;
  Progression progression;
  const Section section = describe(progression, grid.bounds);
  read({{entries[0].key, place.key.help, section}, entries[0].value, path, entries[0].line});
  if (problems_.touch(path)) return;
  if (progression.from >= progression.to) {
    problems_.add(entries[0].line, path,
                  "'from' is not below 'to' (the numbers rise). Exchange or change them.");
    return;
  }
  auto values = expand(progression, entries[0].key == "geometric");
  // Ends that are almost equal leave no room for that many doubles.
  if (std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) != values.end()) {
    problems_.add(entries[0].line, path,
                  "steps too small for a double (the numbers rise). Lower 'count' or move the ends "
                  "apart.");
    return;
  }
  *grid.value = std::move(values);
}

void Reader::read_value(const Grid& grid, const Place& place) {
  if (place.node.kind == Node::Kind::mapping) {
    read_progression(grid, place);
    return;
  }
  if (!is_list(place)) return;
  const auto& items = place.node.items;
  if (items.empty() || items.size() > most_grid_numbers) {
    complain(place, items.empty() ? "an empty list"
                                  : "a list longer than " + std::to_string(most_grid_numbers));
    return;
  }
  grid.value->clear();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Place inner{place.key, items[i], place.path + index(i), items[i].line};
    const auto value = read_real(grid.bounds, inner);
    if (!value) continue;
    if (!grid.value->empty() && *value <= grid.value->back()) {
      problems_.add(items[i].line, inner.path,
                    shown(items[i]) +
                        " is not above the number before it (the numbers rise). "
                        "Put them in order and remove equal ones.");
    }
    grid.value->push_back(*value);
  }
}

bool Reader::is_mapping(const Place& place) {
  if (place.node.kind == Node::Kind::mapping) return true;
  complain(place, shown(place.node) + " where a mapping belongs");
  return false;
}

void Reader::read_value(const NamedNumbers& numbers, const Place& place) {
  if (!is_mapping(place)) return;
  numbers.value->clear();
  for (const auto& entry : place.node.entries) {
    const std::string path = place.path + "." + entry.key;
    const Key key{entry.key, place.key.help, numbers.bounds};
    lines_[path] = entry.line;
    if (std::find(numbers.names.begin(), numbers.names.end(), entry.key) == numbers.names.end()) {
      problems_.add(entry.line, path, unknown_word(entry.key, numbers.names, place.key.help));
    } else if (const auto rate = read_real(numbers.bounds, {key, entry.value, path, entry.line})) {
      (*numbers.value)[entry.key] = *rate;
    }
  }
}

void Reader::read_value(const NamedGrids& grids, const Place& place) {
  if (!is_mapping(place)) return;
  grids.value->clear();
  for (const auto& entry : place.node.entries) {
    const std::string path = place.path + "." + entry.key;
    lines_[path] = entry.line;
    if (std::find(grids.names.begin(), grids.names.end(), entry.key) == grids.names.end()) {
      problems_.add(entry.line, path, unknown_word(entry.key, grids.names, place.key.help));
      continue;
    }
    const Grid grid{&(*grids.value)[entry.key], grids.bounds};
    const Key key{entry.key, place.key.help, grid};
    read_value(grid, {key, entry.value, path, entry.line});
  }
}

void Reader::read_value(const Backoff& backoff, const Place& place) {
  if (place.node.kind == Node::Kind::mapping) {
    read(describe(backoff), place.node, place.path, place.line);
  } else if (const auto value = read_real(backoff.activation, place)) {
    *backoff.activation.value = *value;
    *backoff.weight.value = *value;
  }
}

}  // namespace gainsweep::config

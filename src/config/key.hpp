#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The kinds of values that the keys of a spec have. A value points at the member it describes; the
/// reader fills it, the printer prints it, schema and reference show it with the defaults in place.
namespace gainsweep::config {

struct Integer {
  std::int64_t* value;
  std::int64_t least;
  std::int64_t most;
};

struct Real {
  double* value;
  double least;
  double most;
  bool above = true;   ///< `least` itself is not allowed
  bool below = false;  ///< `most` itself is not allowed
};

struct Flag {
  bool* value;
};

/// A word that also names files: 1 to 64 letters, digits, `.`, `_` and `-`, not starting with a
/// mark.
struct Name {
  std::string* value;
};

struct Path {
  std::filesystem::path* value;
};

/// A name, or `null` for one that follows from something else.
struct OptionalName {
  std::optional<std::string>* value;
};

/// A path, or `null` for none.
struct OptionalPath {
  std::optional<std::filesystem::path>* value;
};

/// A list of paths.
struct Paths {
  std::vector<std::filesystem::path>* value;
};

/// One word of a closed list.
struct Choice {
  std::vector<std::string> names;
  std::function<std::string()> get;
  std::function<void(const std::string&)> set;
};

/// Different words of a closed list.
struct ChoiceList {
  std::vector<std::string> names;
  std::size_t least_count;
  std::function<std::vector<std::string>()> get;
  std::function<void(const std::vector<std::string>&)> set;
};

/// A list of texts: shell globs over paths, or what `what` says.
struct Patterns {
  std::vector<std::string>* value;
  std::string what = "shell globs over paths";
};

/// Shell globs over paths, or `null` for those that somebody else knows.
struct OptionalPatterns {
  std::optional<std::vector<std::string>>* value;
};

struct PatternGroups {
  std::vector<std::vector<std::string>>* value;
};

/// A rising list of numbers, or a progression that is written out when read.
struct Grid {
  std::vector<double>* value;
  Real bounds{nullptr, 0, 1};  ///< of each; its `value` is not used
};

/// Numbers by name, all within the same bounds.
struct NamedNumbers {
  std::map<std::string, double>* value;
  std::vector<std::string> names;
  Real bounds;  ///< of each; its `value` is not used
};

/// Rising lists of numbers by name, each as in a grid, all within the same bounds.
struct NamedGrids {
  std::map<std::string, std::vector<double>>* value;
  std::vector<std::string> names;
  Real bounds;  ///< of each number; its `value` is not used
};

/// One number for both, or `{activation, weight}`.
struct Backoff {
  Real activation;
  Real weight;
};

struct Key;

/// Keys of a mapping in the order in which they are shown.
struct Section {
  std::vector<Key> keys;
};

/// A list of mappings that all have the same keys.
struct Sections {
  std::function<std::size_t()> size;
  std::function<void(std::size_t)> resize;  ///< what is there no longer or not yet has defaults
  std::function<Section(std::size_t)> at;   ///< behind the last: that of one with defaults
};

using Value = std::variant<Integer, Real, Flag, Name, OptionalName, Path, OptionalPath, Paths,
                           Choice, ChoiceList, Patterns, OptionalPatterns, PatternGroups, Grid,
                           NamedNumbers, NamedGrids, Backoff, Section, Sections>;

/// All that is said about one key, once.
struct Key {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  Value value;
  std::string unit{};     ///< empty: a pure number or no number
  std::string example{};  ///< of a key that must be written; empty where there is a default
  bool in_use = true;     ///< false: described, but not printed for this spec
  bool fixed = false;     ///< true: a sweep may not vary it
};

/// The list that `items` holds, each item with the keys that `describe` gives it.
template <class Item>
Sections sections(std::vector<Item>& items, Section (*describe)(Item&)) {
  return {[&items] { return items.size(); },
          [&items](std::size_t size) { items.assign(size, Item{}); },
          [&items, describe, other = std::make_shared<Item>()](std::size_t place) {
            return describe(place < items.size() ? items[place] : *other);
          }};
}
/// The keys of each item.
inline Section each(const Sections& sections) {
  return sections.at(sections.size());
}

/// The keys of a progression of a grid with such bounds; `from`, `to` and `count` point into it.
struct Progression {
  double from = 0;
  double to = 0;
  std::int64_t count = 0;
};
Section describe(Progression& progression, const Real& bounds);

/// The keys of a back-off that differs between activations and weights.
Section describe(const Backoff& backoff);

/// The regular expression of names (JSON Schema's dialect) and the same as a test.
inline constexpr const char* name_pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
bool is_name(const std::string& text);

inline constexpr std::size_t most_grid_numbers = 10000;

/// Words to choose from, as they follow "Write ": "one of a, b", or the only one.
std::string one_of(const std::vector<std::string>& names);

/// What a value may be, as it follows "Write ": "an integer from 1 to 64".
std::string wanted(const Value& value);

/// Names of keys that have to be written in a section, those of sections inside included, as keys
/// with their path relative to it.
std::vector<std::pair<std::string, const Key*>> required(const Section& section);

}  // namespace gainsweep::config

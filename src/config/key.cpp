#include "config/key.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/scalar.hpp"

namespace gainsweep::config {
namespace {

/// Puts what each kind of value may be into words.
struct Wording {
  std::string operator()(const Integer& integer) const {
    if (integer.least == integer.most) return std::to_string(integer.least);
    return "an integer from " + std::to_string(integer.least) + " to " +
           std::to_string(integer.most);
  }
  std::string operator()(const Real& real) const {
    return std::string("a number ") + (real.above ? "above " : "from ") + yaml_number(real.least) +
           (real.below   ? " and below "
            : real.above ? " and at most "
                         : " to ") +
           yaml_number(real.most);
  }
  std::string operator()(const Flag&) const { return "true or false"; }
  std::string operator()(const Name&) const {
    return "a name of 1 to 64 letters, digits, '.', '_' and '-' that starts with a letter or digit";
  }
  std::string operator()(const OptionalName&) const { return "null or " + (*this)(Name{nullptr}); }
  std::string operator()(const Path&) const { return "a path"; }
  std::string operator()(const OptionalPath&) const { return "a path or null"; }
  std::string operator()(const Paths&) const { return "a list of paths"; }
  std::string operator()(const Choice& choice) const { return one_of(choice.names); }
  std::string operator()(const ChoiceList& list) const {
    return std::string("a list of ") + (list.least_count == 0 ? "any number" : "one or more") +
           " of " + join(list.names);
  }
  std::string operator()(const Patterns& patterns) const { return "a list of " + patterns.what; }
  std::string operator()(const OptionalPatterns&) const {
    return "a list of shell globs over paths or null";
  }
  std::string operator()(const PatternGroups&) const {
    return "a list of lists of shell globs over paths";
  }
  std::string operator()(const Grid& grid) const {
    return "a rising list of numbers above " + yaml_number(grid.bounds.least) + " and at most " +
           yaml_number(grid.bounds.most) +
           ", {geometric: {from, to, count}} or {linear: {from, to, count}}";
  }
  std::string operator()(const NamedNumbers& numbers) const {
    return "a mapping of names to numbers above " + yaml_number(numbers.bounds.least) +
           " and at most " + yaml_number(numbers.bounds.most);
  }
  std::string operator()(const NamedGrids& grids) const {
    return "a mapping of names, each to " + (*this)(Grid{nullptr, grids.bounds});
  }
  std::string operator()(const Backoff& backoff) const {
    return (*this)(backoff.activation) + ", or {activation, weight} of two";
  }
  std::string operator()(const Section&) const { return "a mapping of keys"; }
  std::string operator()(const Sections& sections) const {
    const auto section = each(sections);
    return "a list of mappings of " + join(section.keys, [](const Key& key) { return key.name; });
  }
};

}  // namespace

Section describe(Progression& progression, const Real& bounds) {
  Real from = bounds;
  Real to = bounds;
  from.value = &progression.from;
  to.value = &progression.to;
  return {{
      {.name = "from", .help = "the first number", .value = from, .unit = "", .example = "1.0e-4"},
      {.name = "to", .help = "the last number", .value = to, .unit = "", .example = "1.0e-2"},
      {.name = "count",
       .help = "how many numbers, both ends included",
       .value = Integer{&progression.count, 2, static_cast<std::int64_t>(most_grid_numbers)},
       .unit = "",
       .example = "10"},
  }};
}

Section describe(const Backoff& backoff) {
  return {{
      {.name = "activation",
       .help = "back-off of activations",
       .value = backoff.activation,
       .unit = "",
       .example = "1"},
      {.name = "weight",
       .help = "back-off of weights",
       .value = backoff.weight,
       .unit = "",
       .example = "1"},
  }};
}

bool is_name(const std::string& text) {
  const auto sound = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && sound(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return sound(c) || c == '.' || c == '_' || c == '-'; });
}

std::string one_of(const std::vector<std::string>& names) {
  return (names.size() == 1 ? "" : "one of ") + join(names);
}

std::string wanted(const Value& value) {
  return std::visit(Wording{}, value);
}

std::vector<std::pair<std::string, const Key*>> required(const Section& section) {
  std::vector<std::pair<std::string, const Key*>> keys;
  for (const auto& key : section.keys) {
    if (const auto* inner = std::get_if<Section>(&key.value)) {
      for (const auto& [path, found] : required(*inner)) {
        keys.emplace_back(key.name + "." + path, found);
      }
    } else if (!key.example.empty()) {
      keys.emplace_back(key.name, &key);
    }
  }
  return keys;
}

}  // namespace gainsweep::config

#include "config/value_text.hpp"

#include "base/text.hpp"
#include "config/scalar.hpp"

namespace gainsweep::config {
namespace {

std::string list(const std::vector<std::string>& items) {
  return "[" + join(items) + "]";
}

struct Printer {
  std::string operator()(const Integer& integer) const { return std::to_string(*integer.value); }
  std::string operator()(const Real& real) const { return yaml_number(*real.value); }
  std::string operator()(const Flag& flag) const { return *flag.value ? "true" : "false"; }
  std::string operator()(const Name& name) const { return yaml_text(*name.value); }
  std::string operator()(const OptionalName& name) const {
    return *name.value ? yaml_text(**name.value) : "null";
  }
  std::string operator()(const Path& path) const { return yaml_text(path.value->string()); }
  std::string operator()(const OptionalPath& path) const {
    return *path.value ? yaml_text((*path.value)->string()) : "null";
  }
  std::string operator()(const Paths& paths) const {
    std::vector<std::string> items;
    for (const auto& path : *paths.value) items.push_back(yaml_text(path.string()));
    return list(items);
  }
  std::string operator()(const Choice& choice) const { return choice.get(); }
  std::string operator()(const ChoiceList& choices) const { return list(choices.get()); }
  std::string operator()(const Patterns& patterns) const { return texts(*patterns.value); }
  std::string operator()(const OptionalPatterns& patterns) const {
    return *patterns.value ? texts(**patterns.value) : "null";
  }
  std::string operator()(const PatternGroups& groups) const {
    std::vector<std::string> items;
    for (const auto& group : *groups.value) items.push_back(texts(group));
    return list(items);
  }
  std::string operator()(const Grid& grid) const { return numbers(*grid.value); }
  std::string operator()(const NamedNumbers& numbers) const {
    std::vector<std::string> items;
    for (const auto& [name, rate] : *numbers.value)
      items.push_back(name + ": " + yaml_number(rate));
    return "{" + join(items) + "}";
  }
  std::string operator()(const NamedGrids& grids) const {
    std::vector<std::string> items;
    for (const auto& [name, values] : *grids.value) items.push_back(name + ": " + numbers(values));
    return "{" + join(items) + "}";
  }
  std::string operator()(const Backoff& backoff) const {
    if (*backoff.activation.value == *backoff.weight.value) return (*this)(backoff.weight);
    return "{activation: " + (*this)(backoff.activation) + ", weight: " + (*this)(backoff.weight) +
           "}";
  }
  std::string operator()(const Section& section) const {
    return "{" +
           join(section.keys,
                [](const Key& key) { return key.name + ": " + value_text(key.value); }) +
           "}";
  }
  std::string operator()(const Sections& sections) const {
    std::vector<std::string> items;
    for (std::size_t i = 0; i < sections.size(); ++i) items.push_back((*this)(sections.at(i)));
    return list(items);
  }

  static std::string numbers(const std::vector<double>& values) {
    std::vector<std::string> items;
    for (const double value : values) items.push_back(yaml_number(value));
    return list(items);
  }

  static std::string texts(const std::vector<std::string>& values) {
    std::vector<std::string> items;
    for (const auto& value : values) items.push_back(yaml_text(value));
    return list(items);
  }
};

}  // namespace

std::string value_text(const Value& value) {
  return std::visit(Printer{}, value);
}

}  // namespace gainsweep::config

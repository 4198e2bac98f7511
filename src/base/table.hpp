#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/words.hpp"

/// What varies is a table of small structs of functions, a row each: families of models, devices,
/// targets, loss models, strategies. Users choose a row by its name, the row's member `name`.
namespace gainsweep {

template <class Row>
class Table {
 public:
  Table(std::initializer_list<Row> rows) : rows_(rows) {}

  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

  bool contains(const std::string& name) const { return find(name) != end(); }

  /// The row of a name; it stays where it is. Error(config) with a hint for one that there is not.
  const Row& at(const std::string& name) const {
    const auto found = find(name);
    if (found == end()) throw_unknown_word(name, names());
    return *found;
  }

  /// Names of all rows in their order.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const Row& row : rows_) result.push_back(row.name);
    return result;
  }

  /// Adds a row; before any spec is read.
  void add(Row row) { rows_.push_back(std::move(row)); }

 private:
  auto find(const std::string& name) const {
    return std::find_if(begin(), end(), [&](const Row& row) { return row.name == name; });
  }

  std::deque<Row> rows_;
};

}  // namespace gainsweep

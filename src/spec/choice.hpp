#pragma once

#include <string>
#include <vector>

#include "base/table.hpp"
#include "base/words.hpp"
#include "config/key.hpp"

/// Enums and rows of tables as values of keys.
namespace gainsweep::spec {

template <class Enum>
config::Choice choice(Enum& value, const std::vector<Enum>& allowed = enumerators<Enum>()) {
  return {spellings(allowed), [&value] { return std::string(spelling(value)); },
          [&value](const std::string& name) { value = enumerator<Enum>(name); }};
}

template <class Enum>
config::ChoiceList choice_list(std::vector<Enum>& values, std::size_t least_count = 1) {
  return {spellings(enumerators<Enum>()), least_count, [&values] { return spellings(values); },
          [&values](const std::vector<std::string>& names) {
            values.clear();
            for (const auto& name : names) values.push_back(enumerator<Enum>(name));
          }};
}

/// The name of a table's row.
template <class Row>
config::Choice choice(std::string& value, const Table<Row>& table) {
  return {table.names(), [&value] { return value; },
          [&value](const std::string& name) { value = name; }};
}

template <class Row>
config::ChoiceList choice_list(std::vector<std::string>& values, const Table<Row>& table,
                               std::size_t least_count = 1) {
  return {table.names(), least_count, [&values] { return values; },
          [&values](const std::vector<std::string>& names) { values = names; }};
}

}  // namespace gainsweep::spec

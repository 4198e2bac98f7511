#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/table.hpp"

/// Short ways to write and read the fields of tables and records.
namespace gainsweep::archive {

/// Axes of a field, each with its length, outermost first.
struct Axis {
  std::string name;
  std::size_t size = 0;
};
using Axes = std::vector<Axis>;

Field reals(std::string name, std::vector<double> values, const Axes& axes, std::string units,
            std::string long_name);
Field integers(std::string name, std::vector<std::int64_t> values, const Axes& axes,
               std::string units, std::string long_name);
Field texts(std::string name, std::vector<std::string> values, const Axes& axes,
            std::string long_name);

/// Rows one after another: the values of a field of two axes.
template <class T>
std::vector<T> flatten(const std::vector<std::vector<T>>& rows) {
  std::vector<T> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return flat;
}

/// Values of a record's field. Error(input) when it is absent or of another type.
const std::vector<double>& reals(const std::vector<Field>& fields, const std::string& name);
const std::vector<std::int64_t>& integers(const std::vector<Field>& fields,
                                          const std::string& name);
const std::vector<std::string>& texts(const std::vector<Field>& fields, const std::string& name);
const Field& find(const std::vector<Field>& fields, const std::string& name);
bool has(const std::vector<Field>& fields, const std::string& name);

}  // namespace gainsweep::archive

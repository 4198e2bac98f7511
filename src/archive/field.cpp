#include "archive/field.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

Field make(std::string name, Array values, const Axes& axes, std::string units,
           std::string long_name) {
  Field field{std::move(name), std::move(values), {}, std::move(units), std::move(long_name), {}};
  for (const auto& axis : axes) {
    field.shape.push_back(axis.size);
    field.axes.push_back(axis.name);
  }
  return field;
}

template <class T>
const std::vector<T>& values_of(const std::vector<Field>& fields, const std::string& name) {
  const auto& field = find(fields, name);
  if (const auto* values = std::get_if<std::vector<T>>(&field.values)) return *values;
  throw Error(ErrorKind::input, "the archive's field '" + name +
                                    "' has another type than this version of gainsweep writes. "
                                    "Use the version that wrote it.");
}

}  // namespace

Field reals(std::string name, std::vector<double> values, const Axes& axes, std::string units,
            std::string long_name) {
  return make(std::move(name), std::move(values), axes, std::move(units), std::move(long_name));
}

Field integers(std::string name, std::vector<std::int64_t> values, const Axes& axes,
               std::string units, std::string long_name) {
  return make(std::move(name), std::move(values), axes, std::move(units), std::move(long_name));
}

Field texts(std::string name, std::vector<std::string> values, const Axes& axes,
            std::string long_name) {
  return make(std::move(name), std::move(values), axes, "", std::move(long_name));
}

bool has(const std::vector<Field>& fields, const std::string& name) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return field.name == name; });
}

const Field& find(const std::vector<Field>& fields, const std::string& name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& field) { return field.name == name; });
  if (found != fields.end()) return *found;
  throw Error(ErrorKind::input, "the archive has no field '" + name +
                                    "' where this version of gainsweep expects one. "
                                    "Use the version that wrote it.");
}

const std::vector<double>& reals(const std::vector<Field>& fields, const std::string& name) {
  return values_of<double>(fields, name);
}

const std::vector<std::int64_t>& integers(const std::vector<Field>& fields,
                                          const std::string& name) {
  return values_of<std::int64_t>(fields, name);
}

const std::vector<std::string>& texts(const std::vector<Field>& fields, const std::string& name) {
  return values_of<std::string>(fields, name);
}

}  // namespace gainsweep::archive

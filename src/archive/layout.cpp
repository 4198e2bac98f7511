#include "archive/layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <set>
#include <type_traits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"

namespace gainsweep::archive {
namespace {

static_assert(std::endian::native == std::endian::little, "value digests are over little-endian");

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw Error(ErrorKind::internal, what + " cannot be archived (" + why + ")");
}

void check_name(const std::string& name, const std::string& what) {
  if (name.empty() || name == "." || name == "..") refuse(what, "its name is '" + name + "'");
  if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
    refuse(what, "its name has a '/' or a zero byte");
  }
  if (std::any_of(name.begin(), name.end(), is_control)) {
    refuse("a name in " + what.substr(0, what.find(' ')), "it has control characters");
  }
  if (name == names::digest) refuse(what, "the name sha256 is taken");
}

void check_text(const std::string& text, const std::string& what) {
  if (text.find('\0') != std::string::npos) refuse(what, "it has a zero byte");
}

void check_field(const Field& field, const std::string& what) {
  check_name(field.name, what);
  if (field.axes.size() != field.shape.size()) {
    refuse(what, std::to_string(field.axes.size()) + " axes for " +
                     std::to_string(field.shape.size()) + " dimensions");
  }
  if (element_count(field.shape) != value_count(field.values)) {
    refuse(what, std::to_string(value_count(field.values)) + " values for a shape of " +
                     std::to_string(element_count(field.shape)));
  }
  for (const std::string& axis : field.axes) check_name(axis, "axis '" + axis + "' of " + what);
  check_text(field.units, "the units of " + what);
  check_text(field.long_name, "the long name of " + what);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&field.values)) {
    for (const std::string& text : *texts) check_text(text, "a text of " + what);
  }
}

/// Adds all groups of a table's path to `groups`; refuses reserved and empty segments.
void check_path(const Table& table, std::set<std::string>& groups) {
  const std::string what = "table '" + table.path + "'";
  const std::set<std::string> reserved =
      table.nature == Nature::measured ? std::set<std::string>{names::machine}
                                       : std::set<std::string>{names::measured, names::provenance};
  for (std::size_t begin = 0; begin <= table.path.size();) {
    const std::size_t end = std::min(table.path.find('/', begin), table.path.size());
    const std::string segment = table.path.substr(begin, end - begin);
    check_name(segment, what);
    if (begin == 0 && reserved.contains(segment)) refuse(what, "the group is reserved");
    groups.insert(table.path.substr(0, end));
    begin = end + 1;
  }
}

void check_tables(const std::vector<Table>& tables, Nature nature) {
  std::set<std::string> paths;
  std::set<std::string> groups;
  std::set<std::string> datasets;
  std::set<std::string> scales;
  for (const Table& table : tables) {
    if (table.nature != nature) continue;
    check_path(table, groups);
    check_text(table.long_name, "the long name of table '" + table.path + "'");
    if (!paths.insert(table.path).second) refuse("table '" + table.path + "'", "it comes twice");
    for (const Field& field : table.fields) {
      const std::string path = table.path + "/" + field.name;
      check_field(field, "field '" + path + "'");
      if (!datasets.insert(path).second) refuse("field '" + path + "'", "it comes twice");
      for (std::size_t d = 0; d < field.axes.size(); ++d)
        scales.insert(index_scale_name(field.axes[d], field.shape[d]));
    }
  }
  for (const std::string& scale : scales)
    if (groups.contains(scale)) refuse("table '" + scale + "'", "an axis has the same name");
  for (const std::string& path : datasets) {
    if (groups.contains(path)) refuse("field '" + path + "'", "a group has the same path");
  }
}

void check_texts(const std::map<std::string, std::string>& texts, const std::string& group) {
  for (const auto& [key, value] : texts) {
    check_name(key, group + " entry '" + key + "'");
    check_text(value, group + " entry '" + key + "'");
  }
}

/// Labelled values, each with its length, so that no two lists collide.
void append(std::string& list, std::string_view label, std::string_view value) {
  list.append(label).append(" ").append(std::to_string(value.size()));
  list.append(" ").append(value).append("\n");
}

std::string values_digest(const Array& values) {
  return std::visit(
      [](const auto& typed) {
        if constexpr (std::is_same_v<std::decay_t<decltype(typed)>, std::vector<std::string>>) {
          std::string list;
          for (const std::string& text : typed) {
            list.append(std::to_string(text.size())).append(":").append(text);
          }
          return digest::of_text(list);
        } else {
          return digest::of_bytes(std::as_bytes(std::span(typed)));
        }
      },
      values);
}

}  // namespace

void check(const Contents& contents) {
  check_texts(contents.provenance, names::provenance);
  check_texts(contents.machine, names::machine);
  check_tables(contents.tables, Nature::deterministic);
  check_tables(contents.tables, Nature::measured);
}

Contents checked(Contents contents) {
  try {
    check(contents);
  } catch (const Error& error) {
    throw Error(ErrorKind::input, error.what());
  }
  return contents;
}

void append_values(Field& to, Field& from) {
  std::visit(
      [&](auto& values) {
        auto& added = std::get<std::decay_t<decltype(values)>>(from.values);
        values.insert(values.end(), std::make_move_iterator(added.begin()),
                      std::make_move_iterator(added.end()));
      },
      to.values);
}

std::string index_scale_name(const std::string& axis, std::size_t extent) {
  return axis + "_" + std::to_string(extent);
}

std::size_t element_count(const std::vector<std::size_t>& shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  return count;
}

std::string_view type_name(const Array& values) {
  constexpr std::array<std::string_view, 3> type_names{"float64", "int64", "text"};
  return type_names[values.index()];
}

std::size_t value_count(const Array& values) {
  return std::visit([](const auto& typed) { return typed.size(); }, values);
}

std::string field_digest(const Field& field) {
  std::string list;
  append(list, "name", field.name);
  append(list, "type", type_name(field.values));
  for (const std::size_t extent : field.shape) append(list, "extent", std::to_string(extent));
  append(list, names::units, field.units);
  append(list, names::long_name, field.long_name);
  for (const std::string& axis : field.axes) append(list, "axis", axis);
  append(list, "values", values_digest(field.values));
  return digest::of_text(list);
}

std::string group_digest(const std::map<std::string, std::string>& attributes,
                         const std::map<std::string, std::string>& children) {
  std::string list;
  for (const auto& [name, value] : attributes) {
    append(list, "attribute", name);
    append(list, "value", value);
  }
  for (const auto& [name, child] : children) {
    append(list, "child", name);
    append(list, names::digest, child);
  }
  return digest::of_text(list);
}

}  // namespace gainsweep::archive

#include "archive/table.hpp"

#include <algorithm>
#include <bit>
#include <span>
#include <tuple>
#include <type_traits>

#include "archive/layout.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

bool equal_bits(const Array& a, const Array& b) {
  const auto* left = std::get_if<std::vector<double>>(&a);
  const auto* right = std::get_if<std::vector<double>>(&b);
  if (left == nullptr || right == nullptr) return a == b;
  return std::equal(left->begin(), left->end(), right->begin(), right->end(),
                    [](double x, double y) {
                      return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
                    });
}

bool equal_description(const Field& a, const Field& b) {
  return a.name == b.name && a.values.index() == b.values.index() && a.shape == b.shape &&
         a.units == b.units && a.long_name == b.long_name && a.axes == b.axes;
}

template <class Item, class Name>
std::string listed(const std::vector<Item>& items, Name name) {
  return items.empty() ? "none" : join(items, name);
}

[[noreturn]] void refuse_record(const Record& record, const std::string& why) {
  throw Error(ErrorKind::internal, "records of table '" + record.table + "' do not fit together (" +
                                       why + ", unit " + record.key + ")");
}

void check_like(const Record& record, const Record& first) {
  if (record.fields.size() != first.fields.size()) {
    refuse_record(record, std::to_string(record.fields.size()) + " fields instead of " +
                              std::to_string(first.fields.size()));
  }
  for (std::size_t i = 0; i < record.fields.size(); ++i) {
    const Field& field = record.fields[i];
    if (!equal_description(field, first.fields[i])) {
      refuse_record(record, "field '" + field.name + "' has another description");
    }
    if (value_count(field.values) != element_count(field.shape)) {
      refuse_record(record, "field '" + field.name + "' has a number of values beside its shape");
    }
  }
}

/// An empty field with one row per unit.
Field column(const Field& of, std::size_t num_units) {
  Field field{of.name, {}, {num_units}, of.units, of.long_name, {names::unit}};
  field.shape.insert(field.shape.end(), of.shape.begin(), of.shape.end());
  field.axes.insert(field.axes.end(), of.axes.begin(), of.axes.end());
  std::visit(
      [&](const auto& values) {
        std::decay_t<decltype(values)> empty;
        empty.reserve(values.size() * num_units);
        field.values = std::move(empty);
      },
      of.values);
  return field;
}

/// The table of records that are neighbours and belong to the same one.
Table stack_rows(std::span<Record> records) {
  const Record& first = records.front();
  Table table{first.table, "One row per finished unit of " + first.table, first.nature, {}};
  std::vector<std::string> keys;
  std::vector<std::int64_t> orders;
  std::vector<Field> columns;
  for (const Field& field : first.fields) columns.push_back(column(field, records.size()));
  for (const Record& record : records) check_like(record, first);
  for (Record& record : records) {
    keys.push_back(record.key);
    orders.push_back(static_cast<std::int64_t>(record.order));
    for (std::size_t i = 0; i < columns.size(); ++i) append_values(columns[i], record.fields[i]);
  }
  const std::size_t count = records.size();
  table.fields.push_back({names::unit_key,
                          std::move(keys),
                          {count},
                          "",
                          "Digest of everything the unit depends on",
                          {names::unit}});
  table.fields.push_back({names::unit_order,
                          std::move(orders),
                          {count},
                          "1",
                          "Place among the units of the table",
                          {names::unit}});
  std::move(columns.begin(), columns.end(), std::back_inserter(table.fields));
  return table;
}

template <class Value>
const std::vector<Value>& unit_column(const Table& table, const char* name) {
  const auto* values = std::get_if<std::vector<Value>>(&field(table, name).values);
  if (values == nullptr) {
    throw Error(ErrorKind::input,
                "table '" + table.path + "': field '" + name + "' has values of another type");
  }
  return *values;
}

/// Error(input) unless all fields have one row per unit and `unit` is one of them.
void check_units(const Table& table, std::size_t unit) {
  const std::vector<std::size_t>& keys = field(table, names::unit_key).shape;
  for (const Field& column : table.fields) {
    if (column.shape.empty() || keys.size() != 1 || column.shape.front() != keys.front() ||
        unit >= keys.front()) {
      throw Error(ErrorKind::input, "table '" + table.path + "' has no row " +
                                        std::to_string(unit) + " in field '" + column.name + "'");
    }
  }
}

/// One unit's values of a column.
Field cell(const Field& column, std::size_t unit) {
  Field value{column.name,
              {},
              {column.shape.begin() + 1, column.shape.end()},
              column.units,
              column.long_name,
              {column.axes.begin() + 1, column.axes.end()}};
  const auto size = static_cast<std::ptrdiff_t>(element_count(value.shape));
  std::visit(
      [&](const auto& values) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(unit) * size;
        value.values = std::decay_t<decltype(values)>(begin, begin + size);
      },
      column.values);
  return value;
}

}  // namespace

bool operator==(const Field& a, const Field& b) {
  return equal_description(a, b) && equal_bits(a.values, b.values);
}

const Table& table(const Contents& contents, const std::string& path) {
  for (const Table& candidate : contents.tables) {
    if (candidate.path == path) return candidate;
  }
  throw Error(ErrorKind::input,
              "there is no table '" + path + "' (tables: " +
                  listed(contents.tables, [](const Table& known) { return known.path; }) + ")");
}

const Field& field(const Table& table, const std::string& name) {
  for (const Field& candidate : table.fields) {
    if (candidate.name == name) return candidate;
  }
  throw Error(ErrorKind::input,
              "table '" + table.path + "' has no field '" + name + "' (fields: " +
                  listed(table.fields, [](const Field& known) { return known.name; }) + ")");
}

std::vector<Table> stack(std::vector<Record> records) {
  const auto place = [](const Record& record) {
    return std::tie(record.nature, record.table, record.order, record.key);
  };
  std::stable_sort(records.begin(), records.end(),
                   [&](const Record& a, const Record& b) { return place(a) < place(b); });
  std::vector<Table> tables;
  for (auto begin = records.begin(); begin != records.end();) {
    const auto end = std::find_if(begin, records.end(), [&](const Record& record) {
      return record.nature != begin->nature || record.table != begin->table;
    });
    tables.push_back(stack_rows({begin, end}));
    begin = end;
  }
  return tables;
}

Record row(const Table& table, std::size_t unit) {
  const auto& keys = unit_column<std::string>(table, names::unit_key);
  const auto& orders = unit_column<std::int64_t>(table, names::unit_order);
  check_units(table, unit);
  Record record{table.path, table.nature, keys[unit], static_cast<std::uint64_t>(orders[unit]), {}};
  for (const Field& column : table.fields) {
    if (column.name == names::unit_key || column.name == names::unit_order) continue;
    record.fields.push_back(cell(column, unit));
  }
  return record;
}

}  // namespace gainsweep::archive

#include "archive/sweep.hpp"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "archive/layout.hpp"
#include "archive/ranges.hpp"
#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* parameters_name = "parameters";
constexpr const char* point_axis = "point";
constexpr std::string_view variants_prefix = "variants/";

using Rows = std::vector<std::size_t>;

std::size_t row_count(const Table& table) {
  for (const auto& field : table.fields)
    if (field.shape.empty() || field.shape.front() != table.fields.front().shape.front())
      throw Error(ErrorKind::internal,
                  "table '" + table.path + "': field '" + field.name + "' has rows of its own");
  return table.fields.empty() ? 0 : table.fields.front().shape.front();
}

bool is_of_units(const Table& table) {
  return !table.fields.empty() && table.fields.front().name == names::unit_key;
}

std::size_t row_size(const Field& field) {
  return element_count({field.shape.begin() + 1, field.shape.end()});
}

/// Whether rows of one can stand below rows of the other.
bool same_columns(const Table& a, const Table& b) {
  const auto same = [](const Field& x, const Field& y) {
    return x.name == y.name && x.values.index() == y.values.index() && x.units == y.units &&
           x.long_name == y.long_name && x.axes == y.axes &&
           std::equal(x.shape.begin() + 1, x.shape.end(), y.shape.begin() + 1, y.shape.end());
  };
  return a.path == b.path && a.nature == b.nature && a.long_name == b.long_name &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), same);
}

Field take(const Field& from, const Rows& rows) {
  Field field{from.name, {}, from.shape, from.units, from.long_name, from.axes};
  field.shape.front() = rows.size();
  const auto size = static_cast<std::ptrdiff_t>(row_size(from));
  std::visit(
      [&](const auto& values) {
        std::decay_t<decltype(values)> taken;
        taken.reserve(rows.size() * static_cast<std::size_t>(size));
        for (const auto row : rows) {
          const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row) * size;
          taken.insert(taken.end(), begin, begin + size);
        }
        field.values = std::move(taken);
      },
      from.values);
  return field;
}

void append(Field& to, Field from) {
  to.shape.front() += from.shape.front();
  append_values(to, from);
}

Table take(const Table& from, const Rows& rows) {
  Table table{from.path, from.long_name, from.nature, {}};
  for (const auto& field : from.fields) table.fields.push_back(take(field, rows));
  return table;
}

Rows counted(std::size_t first, std::size_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return rows;
}

/// What a row of a table of units is told from others by.
std::pair<std::int64_t, std::string> place(const Table& table, std::size_t row) {
  return {std::get<std::vector<std::int64_t>>(table.fields[1].values)[row],
          std::get<std::vector<std::string>>(table.fields[0].values)[row]};
}

/// A table while points are added: each row with the points that have it.
class Growing {
 public:
  explicit Growing(Table table, std::size_t point)
      : rows_(row_count(table)), table_(std::move(table)), points_(rows_, Rows{point}) {
    if (is_of_units(table_))
      note_places(0);
    else
      blocks_ = {{0, rows_}};
  }

  bool takes(const Table& table) const { return same_columns(table_, table); }
  const Table& table() const { return table_; }

  void add(Table table, std::size_t point) {
    const auto fresh = is_of_units(table) ? new_units(table, point) : new_block(table, point);
    if (fresh.empty()) return;
    const auto first = rows_;
    if (fresh.size() != row_count(table)) table = take(table, fresh);
    for (std::size_t i = 0; i < table_.fields.size(); ++i)
      append(table_.fields[i], std::move(table.fields[i]));
    rows_ += fresh.size();
    points_.resize(rows_, Rows{point});
    if (is_of_units(table_)) note_places(first);
  }

  /// Units in their order, with the column of points.
  Table finish() && {
    if (is_of_units(table_)) sort_units();
    std::vector<std::string> texts;
    for (const auto& points : points_) texts.push_back(ranges_text(points));
    table_.fields.push_back({names::points,
                             std::move(texts),
                             {rows_},
                             "",
                             "Points of the sweep that the row belongs to",
                             {table_.fields.front().axes.front()}});
    return std::move(table_);
  }

 private:
  void note_places(std::size_t first) {
    for (auto row = first; row < rows_; ++row) places_[place(table_, row)] = row;
  }

  Rows new_units(const Table& table, std::size_t point) {
    Rows fresh;
    for (std::size_t row = 0; row < row_count(table); ++row) {
      const auto known = places_.find(place(table, row));
      if (known == places_.end())
        fresh.push_back(row);
      else
        points_[known->second].push_back(point);
    }
    return fresh;
  }

  Rows new_block(const Table& table, std::size_t point) {
    const auto count = row_count(table);
    for (const auto& [first, size] : blocks_) {
      if (size != count || take(table_, counted(first, size)).fields != table.fields) continue;
      for (auto row = first; row < first + size; ++row) points_[row].push_back(point);
      return {};
    }
    blocks_.emplace_back(rows_, count);
    return counted(0, count);
  }

  void sort_units() {
    Rows order = counted(0, rows_);
    const auto earlier = [&](std::size_t a, std::size_t b) {
      return place(table_, a) < place(table_, b);
    };
    if (std::is_sorted(order.begin(), order.end(), earlier)) return;
    std::sort(order.begin(), order.end(), earlier);
    table_ = take(table_, order);
    std::vector<Rows> points;
    for (const auto row : order) points.push_back(std::move(points_[row]));
    points_ = std::move(points);
  }

  std::size_t rows_;
  Table table_;
  std::vector<Rows> points_;                                            // by row
  std::map<std::pair<std::int64_t, std::string>, std::size_t> places_;  // of units: row
  std::vector<std::pair<std::size_t, std::size_t>> blocks_;  // of others: first row and count
};

Field text_column(std::string name, std::string long_name) {
  return {std::move(name), std::vector<std::string>{}, {0}, "", std::move(long_name), {point_axis}};
}

void push(Field& column, std::string value) {
  std::get<std::vector<std::string>>(column.values).push_back(std::move(value));
  ++column.shape.front();
}

bool is_about_points(const std::string& path) {
  return path == names::points || path == parameters_name;
}

std::string own_path(const std::string& path) {
  if (!path.starts_with(variants_prefix)) return path;
  return path.substr(path.find('/', variants_prefix.size()) + 1);
}

const std::vector<std::string>& texts(const Table& table, const std::string& name) {
  const auto* values = std::get_if<std::vector<std::string>>(&field(table, name).values);
  if (values == nullptr)
    throw Error(ErrorKind::input, "table '" + table.path + "': field '" + name + "' is no text");
  return *values;
}

/// Number of rows of a table as read. Error(input) unless all its fields have as many as `column`.
std::size_t checked_rows(const Table& table, const std::string& column) {
  const auto& shape = field(table, column).shape;
  for (const auto& field : table.fields)
    if (shape.size() != 1 || field.shape.empty() || field.shape.front() != shape.front())
      throw Error(ErrorKind::input, "table '" + table.path + "': fields '" + column + "' and '" +
                                        field.name + "' have different rows");
  return shape.front();
}

/// The rows of a table that belong to a point.
Rows rows_of(const Table& table, std::size_t point, std::size_t num_points) {
  const auto& points = texts(table, names::points);
  Rows rows;
  for (std::size_t row = 0; row < checked_rows(table, names::points); ++row) {
    const auto numbers = parse_ranges(points[row], num_points);
    if (std::binary_search(numbers.begin(), numbers.end(), point)) rows.push_back(row);
  }
  return rows;
}

/// The table without its column of points and under its own path.
Table plain(Table table) {
  table.path = own_path(table.path);
  std::erase_if(table.fields, [](const Field& field) { return field.name == names::points; });
  return table;
}

}  // namespace

struct Gathering::State {
  std::size_t points = 0;
  std::vector<Growing> tables;
  Table provenance{names::points, "Points of the sweep, one without a sweep", {}, {}};
  Table parameters{parameters_name, "Values of the swept leaves of the spec at each point", {}, {}};
};

Gathering::Gathering() : state_(std::make_unique<State>()) {}
Gathering::Gathering(Gathering&&) noexcept = default;
Gathering::~Gathering() = default;

void Gathering::add(SweepPoint point) {
  auto& [index, tables, provenance, parameters] = *state_;
  if (index == 0) {
    for (const auto& [name, value] : point.provenance)
      provenance.fields.push_back(text_column(name, "What each point follows from: " + name));
    for (const auto& [path, value] : point.parameters)
      parameters.fields.push_back(text_column(path, "Value of " + path));
  }
  std::size_t column = 0;
  for (auto& [name, value] : point.provenance) push(provenance.fields.at(column++), value);
  column = 0;
  for (auto& [path, value] : point.parameters) push(parameters.fields.at(column++), value);
  for (auto& table : point.tables) {
    if (row_count(table) == 0) continue;
    const auto known = std::find_if(tables.begin(), tables.end(),
                                    [&](const Growing& growing) { return growing.takes(table); });
    if (known == tables.end())
      tables.emplace_back(std::move(table), index);
    else
      known->add(std::move(table), index);
  }
  ++index;
}

std::vector<Table> Gathering::finish() && {
  auto& [count, tables, provenance, parameters] = *state_;
  std::vector<std::int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  provenance.fields.insert(
      provenance.fields.begin(),
      {point_axis, numbers, {count}, "1", "Number of the point", {point_axis}});
  std::vector<Table> finished{std::move(provenance)};
  if (!parameters.fields.empty()) finished.push_back(std::move(parameters));
  std::map<std::pair<Nature, std::string>, std::size_t> variants;
  for (auto& growing : tables) {
    auto table = std::move(growing).finish();
    const auto variant = variants[{table.nature, table.path}]++;
    if (variant > 0)
      table.path = std::string(variants_prefix) + std::to_string(variant) + "/" + table.path;
    finished.push_back(std::move(table));
  }
  return finished;
}

std::size_t num_points(const Contents& contents) {
  return checked_rows(table(contents, names::points), point_axis);
}

Contents select(const Contents& contents, std::size_t point) {
  const auto count = num_points(contents);
  if (point >= count)
    throw Error(ErrorKind::input, "there is no point " + std::to_string(point) +
                                      " (points: " + std::to_string(count) + ")");
  Contents selected{contents.provenance, contents.machine, {}};
  const auto& points = table(contents, names::points);
  for (const auto& field : points.fields) {
    if (field.name == point_axis) continue;
    const auto& values = texts(points, field.name);
    if (values.size() != count)
      throw Error(ErrorKind::input,
                  "table 'points': field '" + field.name + "' has not one value for each point");
    selected.provenance[field.name] = values[point];
  }
  for (const auto& table : contents.tables) {
    if (is_about_points(table.path)) continue;
    const auto rows = rows_of(table, point, count);
    if (!rows.empty()) selected.tables.push_back(plain(take(table, rows)));
  }
  return checked(std::move(selected));
}

std::vector<Record> unit_records(const Contents& contents) {
  std::vector<Record> records;
  for (const auto& table : contents.tables) {
    if (!is_of_units(table)) continue;
    const auto count = checked_rows(table, names::unit_key);
    const auto own = plain(table);
    for (std::size_t unit = 0; unit < count; ++unit) records.push_back(row(own, unit));
  }
  return records;
}

}  // namespace gainsweep::archive

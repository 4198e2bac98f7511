#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

/// The HDF5 archive: neutral tables, parts written during a run, the merge, the reader.
namespace gainsweep::archive {

using Array =
    std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;

/// A named array with what a reader needs to understand it.
struct Field {
  std::string name;
  Array values;  ///< row-major
  std::vector<std::size_t> shape;
  std::string units;              ///< "s", "byte", "nat", "1" for a pure number, "" for text
  std::string long_name;          ///< one sentence
  std::vector<std::string> axes;  ///< one name per dimension: "unit", "op", "format", …
};

bool operator==(const Field&, const Field&);

/// Where a table belongs.
enum class Nature {
  deterministic,  ///< equal for any number of ranks and after any interruption
  measured,       ///< times and machine descriptions; lives under /measured
};

/// A group of the archive. In tables of units every field's first axis is "unit" and the
/// first fields are `unit_key` and `unit_order`.
struct Table {
  std::string path;  ///< "scores", "latency/class_0"; without the leading "/measured"
  std::string long_name;
  Nature nature = Nature::deterministic;
  std::vector<Field> fields;
};

/// The result of one finished unit. All records of a table have the same fields and shapes.
struct Record {
  std::string table;  ///< path of the table it becomes a row of
  Nature nature = Nature::deterministic;
  std::string key;            ///< the unit's key, 64 hex digits
  std::uint64_t order = 0;    ///< place among the units of its table
  std::vector<Field> fields;  ///< without the unit axis
};

/// Everything an archive holds.
struct Contents {
  std::map<std::string, std::string> provenance;  ///< deterministic: spec, digests, program version
  std::map<std::string, std::string> machine;  ///< measured: host, device, versions, ranks, times
  std::vector<Table> tables;
};

/// The first table of that path. Error(input) naming what is there when absent.
const Table& table(const Contents& contents, const std::string& path);
const Field& field(const Table& table, const std::string& name);

/// Records stacked to tables, rows by `order` (ties by key). Error(internal) when fields disagree.
std::vector<Table> stack(std::vector<Record> records);

/// One row of a table of units as the record it came from. Error(input) for any other table.
Record row(const Table& table, std::size_t unit);

}  // namespace gainsweep::archive

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/table.hpp"
#include "batch/team.hpp"

namespace gainsweep::batch {

/// Where a unit may run.
enum class Placement {
  anywhere,  ///< on any rank, side by side with others
  together,  ///< on all ranks at once, as one collective piece of work
  alone,     ///< on the root while all others idle
};

/// What a unit's record becomes in the archive.
enum class Form {
  row,    ///< a row of its table
  table,  ///< the whole table: every field's first axis is the table's
};

/// What is told of a unit: everything but its work. Ledgers, failures and other threads hold it.
struct Ticket {
  std::string key;    ///< digest of everything the result depends on, 64 hex digits
  std::string table;  ///< that its record goes to
  std::string label;  ///< "score of sample 12"
  archive::Nature nature = archive::Nature::deterministic;
  std::uint64_t order = 0;  ///< among the units of its table
  Placement placement = Placement::anywhere;
  Form form = Form::row;
};

using Fields = std::vector<archive::Field>;

/// What a unit's work gives.
struct Product {
  Product(Fields of_record, Fields for_next = {})
      : fields(std::move(of_record)), state(std::move(for_next)) {}
  Fields fields;  ///< of the record
  /// For the next unit of its chain alone: kept on disk until that one is stored, in nobody's
  /// memory and in no archive.
  Fields state;
};

/// What a unit works with beside what it brings itself.
struct Context {
  Team& team;
  Fields state;  ///< what the unit that it comes `after` left
  /// The kin of the units that this rank does next, in their order: what these share with this one
  /// may be kept for them.
  std::vector<std::string_view> ahead = {};
};

/// The smallest piece of work that is stored and never done twice.
struct Unit : Ticket {
  /// Owns what it captures or shares it with the experiment: units outlive the call that named
  /// them. Reads no record that its key does not stand for.
  std::function<Product(Context&)> work;
  std::string after;  ///< key of the unit whose state this one goes on from; empty for the first
  /// Units whose texts begin alike have work in common, the more the longer that is: they are done
  /// in the order of these texts, and a rank gets many in a row. Empty for units on their own.
  std::string kin;
};

/// The table of failed units: fields `stage`, `label`, `reason`.
inline constexpr const char* failures = "failures";

/// The record of a finished unit: fields from its work, everything else from who asks for it.
archive::Record record(const Ticket& ticket, Fields fields);

/// The record of a unit that failed in a stage.
archive::Record failure(const Ticket& ticket, const std::string& stage, const std::string& reason);

}  // namespace gainsweep::batch

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "archive/table.hpp"
#include "graph/partition.hpp"

/// Enumerates units and runs one. No MPI, no files.
namespace gainsweep::pipeline {

/// In the order of a run. A stage's units depend on results of earlier stages only.
enum class Stage { observe, score, latency, solve, evaluate };

const char* name(Stage stage);

/// The smallest piece of work that is stored and never done twice.
struct Unit {
  Stage stage = Stage::observe;
  std::string table;  ///< of the record it makes
  archive::Nature nature = archive::Nature::deterministic;
  std::string key;          ///< digest of everything it depends on, 64 hex digits
  std::string label;        ///< "score of sample 12"
  std::uint64_t order = 0;  ///< among the units of its table
  bool exclusive = false;   ///< needs its device for itself

  std::size_t index = 0;         ///< sample, class or sub-graph, plan point
  std::size_t round = 0;         ///< of latency and time evaluation
  graph::Assignment assignment;  ///< of an evaluation
};

/// Finished units by key. A unit that failed has a record in the table "failures".
using Results = std::map<std::string, archive::Record>;

/// The record of a failed unit.
archive::Record failure(const Unit& unit, const std::string& reason);

/// A stored record as the one of a unit that asks for it: whoever stored it may have called it a
/// row of another table, nature or place. A failure stays one, of this unit.
archive::Record asked_by(const Unit& unit, archive::Record record);

/// Whether a unit's record is there and is not a failure.
bool succeeded(const Results& results, const Unit& unit);

}  // namespace gainsweep::pipeline

#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archive/table.hpp"

/// Many points of a sweep in one archive. Every table gets a column `points`; what several points
/// share is stored once. Tables of one path whose rows have other extents at other points stand at
/// `variants/<k>/<path>`, k from 1.
namespace gainsweep::archive {

/// One point as an archive of its own would hold it.
struct SweepPoint {
  /// Swept leaves with their values, in the order of the sweep; the same leaves at all points.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::map<std::string, std::string>
      provenance;  ///< that is the point's own; equal keys everywhere
  std::vector<Table> tables;
};

/// Gathers points one by one, so that only what is new of each is kept.
class Gathering {
 public:
  Gathering();
  Gathering(Gathering&&) noexcept;
  ~Gathering();

  void add(SweepPoint point);
  /// The tables of all points: `points` (their provenance), `parameters` (with a sweep), theirs.
  std::vector<Table> finish() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Number of points of an archive. Error(input) when it has no table `points`.
std::size_t num_points(const Contents& contents);

/// The archive of one point alone: its tables, and its provenance beside the common one.
/// Error(input) when there is no such point or a table does not say which rows are its.
Contents select(const Contents& contents, std::size_t point);

/// All rows of tables of units, each once, under their own tables' paths. Error(input) for fields
/// with rows of their own.
std::vector<Record> unit_records(const Contents& contents);

}  // namespace gainsweep::archive

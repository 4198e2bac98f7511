#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "batch/stage.hpp"

namespace gainsweep::batch {

/// Something that has to be the same on all ranks: unit keys follow from it.
struct Claim {
  std::string what;  ///< "model digest"
  std::string value;
  ErrorKind kind = ErrorKind::environment;  ///< of the error when it differs
};

/// One point of a batch experiment.
struct Experiment {
  std::string title;  ///< "size = 128"; empty without a sweep
  /// Values of the swept leaves, in the order of the sweep.
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<Stage> stages;  ///< in the order of a run
  /// Tables that no unit makes: those that describe the point or follow from all results.
  std::function<std::vector<archive::Table>(const Results&)> tables;
  /// Sentences that whoever uses the results should read, none where nothing was remarkable. May be
  /// empty.
  std::function<std::vector<std::string>(const Results&)> remarks = {};
  /// What the point follows from, for its row of the archive's table `points`.
  std::map<std::string, std::string> provenance;
  std::vector<Claim> claims;
  std::map<std::string, std::string> machine;  ///< what it runs on, for the archive
  std::shared_ptr<const void> owner = {};      ///< of what the functions refer to
};

/// All tables of a point: its own, then those of the units that its stages call for (records of
/// units that an earlier form of the spec asked for are left out). Table, nature, order and form of
/// a record are those of the unit that asks, whoever stored it.
std::vector<archive::Table> tables(const Experiment& experiment, const Results& results);

}  // namespace gainsweep::batch

#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "job/activity.hpp"
#include "job/ledger.hpp"

namespace gainsweep::job {

/// Units of a stage by how far they are.
struct StageCount {
  std::string stage;
  std::size_t called_for = 0;
  std::size_t may_come = 0;  ///< at most so many more
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t running = 0;
  std::size_t remaining() const {
    return called_for - std::min(called_for, done + failed + running);
  }
};

struct Failure {
  std::string unit, reason;
};

/// How far a run is, from what its ranks left in its folder.
struct Standing {
  Ledger ledger;
  bool running = false;
  std::vector<StageCount> stages;  ///< in the run's order; done and failed as stored in parts
  std::vector<Failure> failures;
  std::vector<Activity> ranks;
  double rate = 0;          ///< units/s of the running stage, all ranks; 0 when not known
  double seconds_left = 0;  ///< of the running stage, for the units called for by now; 0 likewise
};

/// Error(input) when the folder holds no run. Changes nothing there.
Standing read_standing(const std::filesystem::path& folder);

}  // namespace gainsweep::job

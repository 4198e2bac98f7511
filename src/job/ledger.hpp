#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace gainsweep::job {

/// What a run has called for in one stage, at all its points so far.
struct CalledFor {
  std::string stage;
  std::vector<std::string> units;     ///< keys
  std::size_t may_come = 0;           ///< at most so many more at the point that runs
  std::vector<std::string> left_out;  ///< what, and why; a sentence each
};

/// What a run has called for so far: `DIR/run.json`, rewritten by the root as it goes on. `status`
/// reads it beside the parts and knows no experiment.
struct Ledger {
  std::string name;                  ///< of the spec
  std::string started;               ///< UTC
  std::string finished;              ///< empty while it runs
  std::string asked;                 ///< digest of everything that the archive follows from
  std::string archive;               ///< digest of the archive's file; empty where something failed
  std::size_t points = 1;            ///< of the spec's sweep
  std::size_t point = 0;             ///< the one that runs
  std::string parameters;            ///< of that point; empty without a sweep
  std::string stage;                 ///< the one that runs
  double stage_started = 0;          ///< seconds since 1970, UTC
  std::size_t stage_over = 0;        ///< units that were over before it started
  std::vector<CalledFor> stages;     ///< in the order of the run
  std::vector<std::string> remarks;  ///< on the results of all points so far, each once
};

/// Whether the folder's archive is what a run that asks for `asked` would make, and nothing failed
/// on the way; then there is nothing to do.
bool is_done(const std::filesystem::path& folder, const std::string& asked);

/// Error(environment) when the disk refuses.
void write(const std::filesystem::path& folder, const Ledger& ledger);
/// Error(input) when the folder holds no run.
Ledger read_ledger(const std::filesystem::path& folder);

/// The time now as 2026-01-31T12:00:00Z.
std::string utc_now();

}  // namespace gainsweep::job

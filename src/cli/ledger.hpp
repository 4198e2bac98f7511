#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gainsweep::cli {

/// What a run has called for so far: `DIR/run.json`, rewritten by the root at each change. `status`
/// reads it beside the parts.
struct Ledger {
  std::string name;            ///< of the spec
  std::string started;         ///< UTC
  std::string finished;        ///< empty while it runs
  std::size_t points = 1;      ///< of the spec's sweep
  std::size_t point = 0;       ///< the one that runs
  std::string parameters;      ///< of that point; empty without a sweep
  std::string stage;           ///< the one that runs
  double stage_started = 0;    ///< seconds since 1970, UTC
  std::size_t stage_over = 0;  ///< units that were over before it started
  std::map<std::string, std::vector<std::string>>
      units;  ///< keys of those called for, by stage; of all points so far
};

void write(const std::filesystem::path& folder, const Ledger& ledger);
/// Error(input) when the folder holds no run.
Ledger read_ledger(const std::filesystem::path& folder);

/// The time now as 2026-01-31T12:00:00Z.
std::string utc_now();

}  // namespace gainsweep::cli

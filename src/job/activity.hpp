#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gainsweep::job {

/// What a rank is doing: `DIR/ranks/<rank>.json`, rewritten every two seconds for `status`.
struct Activity {
  int rank = 0;
  std::string host;
  int process = 0;
  std::string stage;
  std::string unit;              ///< label of the running one; empty while it waits
  double unit_seconds = 0;       ///< since its start
  std::uint64_t stage_over = 0;  ///< units of its stage, in this run
  std::uint64_t done = 0;        ///< units of this run
  std::uint64_t failed = 0;
  double updated = 0;  ///< seconds since 1970, UTC
};

/// The root, before the others write: forgets the ranks of an earlier run.
void forget_activities(const std::filesystem::path& folder);
/// Never fails: a full disk is told by what matters.
void write(const std::filesystem::path& folder, const Activity& activity) noexcept;
/// In order of ranks; files that are not whole are left out.
std::vector<Activity> read_activities(const std::filesystem::path& folder);

/// Seconds since 1970, UTC.
double unix_seconds();

}  // namespace gainsweep::job

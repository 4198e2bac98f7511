#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace simulated_hpu {

/// What has happened on the card since it was loaded. Tests read it by
/// `simulated_hpu::count(str what) -> int`, so that they include no header of it. Where
/// SIMULATED_HPU_COUNTS names a folder, a process leaves all of it there as `PID.json` at its end.
struct Counters {
  std::atomic<std::int64_t> issued{0};           ///< operators that were given to the card
  std::atomic<std::int64_t> launches{0};         ///< graphs that it was told to run
  std::atomic<std::int64_t> compilations{0};     ///< graphs that it had never seen
  std::atomic<std::int64_t> host_fallbacks{0};   ///< operators that ran on the host instead
  std::atomic<std::int64_t> copies_to_host{0};   ///< each waits for all that went before
  std::atomic<std::int64_t> unwaited_reads{0};   ///< copies to the host that were not to wait
  std::atomic<std::int64_t> off_grid_scales{0};  ///< products whose scales are no exponent bias
};

Counters& counters();

/// A counter by name, or one of the card's states: `lazy`, `module`, `busy` (1 while anything is
/// collected or running), `busy_microseconds` (of all graphs so far).
std::int64_t count(std::string_view what);

}  // namespace simulated_hpu

#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/activity.hpp"
#include "cli/store.hpp"

namespace gainsweep::cli {

/// A thread beside the work. It tells what this rank does, and ends the process in good order when
/// the work cannot: at SIGTERM or SIGINT it writes the buffered units (the running one is lost);
/// when a unit runs longer than its limit it stores the failure and aborts all ranks with exit code
/// 1, so that the same command skips that unit.
class Watch {
 public:
  Watch(int rank, std::filesystem::path folder, Store& store, std::optional<double> unit_limit);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// The work tells what it is at.
  void enter(pipeline::Stage stage);
  void begin(const pipeline::Unit& unit);
  void end(bool failed);

 private:
  using Clock = std::chrono::steady_clock;
  void watch();
  void tell(const std::lock_guard<std::mutex>& held);
  bool is_over_limit(const std::lock_guard<std::mutex>& held) const;
  [[noreturn]] void leave(int signal);
  [[noreturn]] void give_up(const pipeline::Unit& unit);

  std::filesystem::path folder_;
  Store& store_;
  std::optional<double> unit_limit_;  // seconds
  std::mutex mutex_;                  // of what follows
  std::condition_variable wake_;
  Activity activity_;
  std::optional<pipeline::Unit> unit_;
  Clock::time_point unit_start_, told_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace gainsweep::cli

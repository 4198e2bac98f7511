#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "batch/unit.hpp"
#include "job/activity.hpp"
#include "job/store.hpp"

namespace gainsweep::job {

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
  void enter(const std::string& stage);
  void begin(const batch::Ticket& unit);
  /// How it ended; a unit of all ranks counts on one of them.
  enum class Ended { done, failed, uncounted };
  void end(Ended ended);

 private:
  using Clock = std::chrono::steady_clock;
  void watch();
  void tell(const std::lock_guard<std::mutex>& held);
  bool is_over_limit(const std::lock_guard<std::mutex>& held) const;
  [[noreturn]] void leave(int signal);
  [[noreturn]] void give_up(const batch::Ticket& unit, const std::string& stage);

  std::filesystem::path folder_;
  Store& store_;
  std::optional<double> unit_limit_;  // seconds
  std::mutex mutex_;                  // of what follows
  std::condition_variable wake_;
  Activity activity_;
  std::optional<batch::Ticket> unit_;
  Clock::time_point unit_start_, told_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace gainsweep::job

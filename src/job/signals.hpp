#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

/// What queues tell a run. Signal handlers can only set flags, so these are the process's.
namespace gainsweep::job {

/// Exit code of a run that stopped at SIGUSR1; the same command goes on. Job scripts requeue on it.
inline constexpr int stopped_exit_code = 75;

/// Takes SIGUSR1 (stop after the unit), SIGTERM and SIGINT (end now) instead of dying of them.
/// Before MPI starts: a signal of the first moments counts too.
void catch_signals();

/// Whether SIGUSR1 came.
bool stop_asked();
/// The signal that asked to end now, 0 when none did.
int end_asked();

/// While it lives, SIGTERM and SIGINT end the process within a moment, whatever it waits for: for
/// the time when inputs are opened and no Watch guards finished units yet.
class EndWithoutUnits {
 public:
  EndWithoutUnits();
  EndWithoutUnits(const EndWithoutUnits&) = delete;
  EndWithoutUnits& operator=(const EndWithoutUnits&) = delete;
  ~EndWithoutUnits();

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace gainsweep::job

#pragma once

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

}  // namespace gainsweep::job

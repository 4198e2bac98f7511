#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "disk/descriptor.hpp"

namespace gainsweep::disk {

/// Where a child process writes what is for its parent. Standard input, output and error of a child
/// lead nowhere: libraries print when they like.
inline constexpr int answer_descriptor = 3;

/// A program that runs beside this one and answers through a pipe. It is started without a copy of
/// this process, so that neither the memory of this one nor the threads of MPI matter. Signals that
/// a queue or a terminal sends to all processes are for the parent: a child never sees them.
class ChildProcess {
 public:
  /// Error(environment) when there is no process to be had.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// Kills a child that still runs.
  ~ChildProcess();

  enum class Got { all, end, nothing };
  /// Fills `into` with what the child writes next; `end` when it wrote less and is over, `nothing`
  /// when no byte came for so long.
  Got read(std::span<std::byte> into, std::chrono::milliseconds patience);

  struct End {
    int signal = 0;  ///< that ended it, 0 for none
    int code = 0;    ///< its exit code without one
  };
  /// Waits until it is over. {} where the system does not tell (SIGCHLD is ignored).
  End wait();
  /// Ends it at once.
  void kill();

 private:
  Descriptor answers_;
  pid_t process_ = -1;
};

/// For the child, first of all: ends it with its parent, at once at a crash (without the reports
/// that libraries install), and without a core file.
void settle_as_child(pid_t parent);

/// Ends this process with SIGXCPU after `more` processor time than it has used so far.
void limit_processor_time(std::chrono::seconds more);

/// Ends this process with SIGALRM when it still exists after `limit`, whatever it waits for. One at
/// a time.
class WallClockLimit {
 public:
  explicit WallClockLimit(std::chrono::seconds limit);
  WallClockLimit(const WallClockLimit&) = delete;
  WallClockLimit& operator=(const WallClockLimit&) = delete;
  ~WallClockLimit();
};

/// Writes all bytes for the parent; false when it is gone.
bool answer(std::span<const std::byte> bytes);

}  // namespace gainsweep::disk

#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace gainsweep::job {

/// Tells how a stage goes: one line that is rewritten on a terminal, a line every ten seconds and
/// at the end elsewhere.
class Progress {
 public:
  /// Prints nothing when `quiet` (ranks other than the root).
  Progress(std::string stage, std::size_t total, std::size_t done, bool quiet);
  ~Progress();

  /// All ranks together: units called for by now, and those over. Prints when it is time to.
  void reach(std::size_t total, std::size_t over);
  /// How many of those failed.
  void fail(std::size_t failed) { failed_ = failed; }

 private:
  void print(bool last);

  std::string stage_;
  std::size_t total_, already_done_, done_ = 0, failed_ = 0;
  bool quiet_, terminal_;
  std::chrono::steady_clock::time_point start_, printed_;
};

/// "3 s", "2 min 5 s", "1 h 20 min".
std::string duration(double seconds);

}  // namespace gainsweep::job

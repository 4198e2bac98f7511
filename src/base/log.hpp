#pragma once

#include <functional>
#include <string>

namespace gainsweep {

/// How much a line matters to who reads it.
enum class LogLevel {
  info,     ///< what goes on as it should
  warning,  ///< something failed or was left out; the rest goes on
  error,    ///< what ends the command
};

/// One line of the log with the place that it is about.
struct LogEntry {
  LogLevel level = LogLevel::info;
  std::string text;  ///< one message
  int rank = 0;
  std::string stage{};  ///< empty outside of stages
  std::string unit{};   ///< label of the unit that runs; empty outside of units
};

/// The rank that log lines name; set once at start-up. A single rank prints no prefix.
void set_log_rank(int rank, int num_ranks);
/// Leaves out what matters less.
void set_log_level(LogLevel least);
/// Turns entries into lines of standard error in another way than as plain text; once at start-up.
void set_log_layout(std::function<std::string(const LogEntry&)> layout);

/// Whether lines of a level are printed.
bool logs(LogLevel level);
/// Whether lines are plain text, for people.
bool log_is_plain();

/// Where this process is while it lives, for the log's lines of all its threads. Places lie within
/// one another: an empty stage or unit keeps the one around it.
class LogPlace {
 public:
  LogPlace(const std::string& stage, const std::string& unit);
  LogPlace(const LogPlace&) = delete;
  LogPlace& operator=(const LogPlace&) = delete;
  ~LogPlace();

 private:
  std::string stage_, unit_;  // of the place around
};

/// Prints one line on standard error, prefixed with the rank when there are several.
void log_line(const std::string& text, LogLevel level = LogLevel::info);

}  // namespace gainsweep

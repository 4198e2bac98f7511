#include "base/log.hpp"

#include <iostream>
#include <mutex>
#include <utility>

namespace gainsweep {
namespace {

struct Log {
  std::mutex mutex;  // of all that follows
  int rank = 0;
  std::string prefix;
  LogLevel least = LogLevel::info;
  std::string stage, unit;
  std::function<std::string(const LogEntry&)> layout;
};

// Never destroyed: a thread may still have something to say when the process ends.
Log& the_log() {
  static auto& log = *new Log;
  return log;
}

}  // namespace

void set_log_rank(int rank, int num_ranks) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  log.rank = rank;
  log.prefix = num_ranks > 1 ? "[rank " + std::to_string(rank) + "] " : "";
}

void set_log_level(LogLevel least) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  log.least = least;
}

void set_log_layout(std::function<std::string(const LogEntry&)> layout) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  log.layout = std::move(layout);
}

bool logs(LogLevel level) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  return level >= log.least;
}

bool log_is_plain() {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  return !log.layout;
}

LogPlace::LogPlace(const std::string& stage, const std::string& unit) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  stage_ = log.stage;
  unit_ = log.unit;
  if (!stage.empty()) log.stage = stage;
  if (!unit.empty()) log.unit = unit;
}

LogPlace::~LogPlace() {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  log.stage.swap(stage_);
  log.unit.swap(unit_);
}

void log_line(const std::string& text, LogLevel level) {
  auto& log = the_log();
  const std::lock_guard guard(log.mutex);
  if (level < log.least) return;
  const auto line =
      log.layout ? log.layout({level, text, log.rank, log.stage, log.unit}) : log.prefix + text;
  std::cerr << line + "\n" << std::flush;
}

}  // namespace gainsweep

#include "cli/watch.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/signals.hpp"
#include "disk/host.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::cli {
namespace {

// Soon after SIGTERM comes SIGKILL (one second later from mpirun).
constexpr std::chrono::milliseconds look_every{50};
constexpr std::chrono::seconds tell_every{2};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Watch::Watch(int rank, std::filesystem::path folder, Store& store, std::optional<double> unit_limit)
    : folder_(std::move(folder)), store_(store), unit_limit_(unit_limit) {
  activity_.rank = rank;
  activity_.host = disk::host_name();
  activity_.process = getpid();
  thread_ = std::thread([this] { watch(); });
}

Watch::~Watch() {
  {
    const std::lock_guard guard(mutex_);
    over_ = true;
    tell(guard);
  }
  wake_.notify_all();
  thread_.join();
}

void Watch::enter(pipeline::Stage stage) {
  const std::lock_guard guard(mutex_);
  activity_.stage = name(stage);
  activity_.stage_over = 0;
  tell(guard);
}

void Watch::begin(const pipeline::Unit& unit) {
  const std::lock_guard guard(mutex_);
  unit_ = unit;
  unit_start_ = Clock::now();
}

void Watch::end(bool failed) {
  const std::lock_guard guard(mutex_);
  unit_.reset();
  ++activity_.stage_over;
  ++(failed ? activity_.failed : activity_.done);
}

void Watch::watch() {
  for (;;) {
    std::optional<pipeline::Unit> hanging;
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, look_every, [this] { return over_; })) return;
    }
    if (const int signal = end_asked()) leave(signal);
    {
      const std::lock_guard guard(mutex_);
      if (Clock::now() - told_ >= tell_every) tell(guard);
      if (is_over_limit(guard)) hanging = unit_;
    }
    if (hanging) give_up(*hanging);
  }
}

void Watch::tell(const std::lock_guard<std::mutex>&) {
  told_ = Clock::now();
  activity_.unit = unit_ ? unit_->label : "";
  activity_.unit_seconds = unit_ ? seconds_since(unit_start_) : 0;
  activity_.updated = unix_seconds();
  write(folder_, activity_);
}

bool Watch::is_over_limit(const std::lock_guard<std::mutex>&) const {
  return unit_ && unit_limit_ && seconds_since(unit_start_) > *unit_limit_;
}

void Watch::leave(int signal) {
  try {
    store_.rescue(std::nullopt);
    log_line("gainsweep: ended by signal " + std::to_string(signal) +
             "; finished units are stored, the same command goes on");
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: ") + error.what());
  }
  std::_Exit(128 + signal);
}

void Watch::give_up(const pipeline::Unit& unit) {
  const auto reason =
      unit.label + " was not over after " + shortest(*unit_limit_) +
      " s (--unit-limit). Give it more time and --retry-failed, or leave it failed.";
  log_line("gainsweep: " + reason + " The same command goes on without it.");
  try {
    store_.rescue(pipeline::failure(unit, reason));
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: ") + error.what());
  }
  parallel::abort(1);
}

}  // namespace gainsweep::cli

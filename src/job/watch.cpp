#include "job/watch.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/log.hpp"
#include "base/text.hpp"
#include "disk/host.hpp"
#include "disk/mark.hpp"
#include "job/signals.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::job {
namespace {

// Soon after SIGTERM comes SIGKILL (one second later from mpirun). A unit that has the device for
// itself may be timing it: this thread keeps away from its core for as long as it can.
constexpr std::chrono::milliseconds look_often{50}, look_seldom{250};
constexpr std::chrono::seconds tell_often{2}, tell_seldom{10};

bool is_alone(const std::optional<batch::Ticket>& unit) {
  return unit && unit->placement == batch::Placement::alone;
}

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

void Watch::enter(const std::string& stage) {
  const std::lock_guard guard(mutex_);
  activity_.stage = stage;
  activity_.stage_over = 0;
  tell(guard);
}

void Watch::begin(const batch::Ticket& unit) {
  const std::lock_guard guard(mutex_);
  unit_ = unit;
  unit_start_ = Clock::now();
  if (is_alone(unit_)) tell(guard);
}

void Watch::end(Ended ended) {
  const std::lock_guard guard(mutex_);
  unit_.reset();
  if (ended == Ended::uncounted) return;
  ++activity_.stage_over;
  ++(ended == Ended::failed ? activity_.failed : activity_.done);
}

void Watch::watch() {
  for (;;) {
    std::optional<batch::Ticket> hanging;
    std::string stage;
    {
      std::unique_lock lock(mutex_);
      const auto pause = is_alone(unit_) ? look_seldom : look_often;
      if (wake_.wait_for(lock, pause, [this] { return over_; })) return;
    }
    if (const int signal = end_asked()) leave(signal);
    {
      const std::lock_guard guard(mutex_);
      if (Clock::now() - told_ >= (is_alone(unit_) ? tell_seldom : tell_often)) tell(guard);
      if (is_over_limit(guard)) hanging = unit_;
      stage = activity_.stage;
    }
    if (hanging) give_up(*hanging, stage);
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
                 "; finished units are stored, the same command goes on",
             LogLevel::error);
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: ") + error.what(), LogLevel::error);
  }
  disk::release_marks();
  std::_Exit(128 + signal);
}

void Watch::give_up(const batch::Ticket& unit, const std::string& stage) {
  const auto reason =
      unit.label + " was not over after " + shortest(*unit_limit_) +
      " s (--unit-limit). Give it more time and --retry-failed, or leave it failed.";
  log_line("gainsweep: " + reason + " The same command goes on without it.", LogLevel::error);
  try {
    store_.rescue(batch::failure(unit, stage, reason));
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: ") + error.what(), LogLevel::error);
  }
  disk::release_marks();
  parallel::abort(1);
}

}  // namespace gainsweep::job

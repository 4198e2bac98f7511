#include "job/signals.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/log.hpp"
#include "disk/mark.hpp"

namespace gainsweep::job {
namespace {

std::atomic<bool> stop = false;
std::atomic<int> end = 0;
static_assert(std::atomic<int>::is_always_lock_free, "handlers may only use lock-free atomics");

void on_stop(int) {
  stop = true;
}

void on_end(int signal) {
  end = signal;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_signals() {
  handle(SIGUSR1, on_stop);
  handle(SIGTERM, on_end);
  handle(SIGINT, on_end);
}

bool stop_asked() {
  return stop;
}

int end_asked() {
  return end;
}

EndWithoutUnits::EndWithoutUnits() : thread_([this] { watch(); }) {}

EndWithoutUnits::~EndWithoutUnits() {
  {
    const std::lock_guard guard(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void EndWithoutUnits::watch() {
  constexpr std::chrono::milliseconds look_often{50};
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_often, [this] { return over_; })) {
    const int signal = end_asked();
    if (signal == 0) continue;
    log_line("gainsweep: ended by signal " + std::to_string(signal) +
                 " before the first unit; the same command begins again",
             LogLevel::error);
    disk::release_marks();
    std::_Exit(128 + signal);
  }
}

}  // namespace gainsweep::job

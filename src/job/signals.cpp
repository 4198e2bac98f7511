#include "job/signals.hpp"

#include <csignal>

#include <atomic>

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

}  // namespace gainsweep::job

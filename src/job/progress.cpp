#include "job/progress.hpp"

#include <unistd.h>

#include <cmath>
#include <iostream>
#include <sstream>

#include "base/log.hpp"

namespace gainsweep::job {

using Clock = std::chrono::steady_clock;

Progress::Progress(std::string stage, std::size_t total, std::size_t done, bool quiet)
    : stage_(std::move(stage)),
      total_(total),
      already_done_(done),
      quiet_(quiet || !logs(LogLevel::info)),
      terminal_(log_is_plain() && isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      printed_(start_) {}

Progress::~Progress() {
  if (!quiet_ && total_ > 0) print(true);
}

void Progress::reach(std::size_t total, std::size_t over) {
  total_ = total;
  done_ = over > already_done_ ? over - already_done_ : 0;
  using namespace std::chrono_literals;
  const auto since = Clock::now() - printed_;
  if (!quiet_ && since > (terminal_ ? Clock::duration(100ms) : Clock::duration(10s))) print(false);
}

void Progress::print(bool last) {
  printed_ = Clock::now();
  const double seconds = std::chrono::duration<double>(printed_ - start_).count();
  const std::size_t finished = already_done_ + done_;
  std::ostringstream line;
  line << stage_ << std::string(stage_.size() < 9 ? 9 - stage_.size() : 1, ' ') << finished << "/"
       << total_;
  if (failed_ > 0) line << ", " << failed_ << " failed";
  if (already_done_ > 0) line << ", " << already_done_ << " done before";
  if (done_ > 0) {
    const double rate = static_cast<double>(done_) / seconds;
    line.precision(3);
    line << ", " << rate << " units/s";
    if (!last && finished < total_)
      line << ", " << duration(static_cast<double>(total_ - finished) / rate) << " left";
    if (last) line << ", " << duration(seconds);
  }
  if (!log_is_plain()) {
    log_line(line.str());
    return;
  }
  if (terminal_) std::cerr << "\r\033[K";
  std::cerr << line.str() << (terminal_ && !last ? "" : "\n") << std::flush;
}

std::string duration(double seconds) {
  const auto whole = std::llround(seconds);
  if (seconds < 10) {
    std::ostringstream text;
    text.precision(2);
    text << seconds << " s";
    return text.str();
  }
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

}  // namespace gainsweep::job

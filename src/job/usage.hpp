#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/table.hpp"
#include "disk/energy.hpp"
#include "disk/memory.hpp"

namespace gainsweep::job {

/// What a rank used in a stage of this job.
struct Usage {
  std::string stage;
  double wall_seconds = 0;
  double processor_seconds = 0;  ///< of all threads
  disk::MemoryInUse peak;        ///< each at its own peak, as looked at 20 times a second
  std::optional<double> joules;  ///< of the machine's processor packages meanwhile
};

/// Measures what this process uses from `begin` to `end`. A thread of its own looks at the memory.
class Meter {
 public:
  Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  ~Meter();

  void begin(const std::string& stage);
  Usage end();

 private:
  void look();

  Usage usage_;
  std::chrono::steady_clock::time_point start_;
  double processor_start_ = 0;
  std::vector<disk::EnergyCounter> energy_;
  std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  bool measuring_ = false, over_ = false;
  disk::MemoryInUse peak_;
  std::thread thread_;
};

/// Usages of a rank as one text, which crosses ranks, and back.
std::string to_text(const std::vector<Usage>& usages);
std::vector<Usage> to_usages(const std::string& text);

/// The measured table `usage`: a row a stage and rank; no rows where no rank did anything.
archive::Table usage_table(const std::vector<std::vector<Usage>>& of_ranks);

}  // namespace gainsweep::job

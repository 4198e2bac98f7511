#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_set>

namespace simulated_hpu {

using Clock = std::chrono::steady_clock;

// The type that it is registered as: HPU, or what tests/simulated_cuda says.
#ifndef SIMULATED_DEVICE
#define SIMULATED_DEVICE HPU
#endif

/// The only device that a process ever sees.
inline const c10::Device place(c10::DeviceType::SIMULATED_DEVICE, 0);

/// What an operator asks of the card.
struct Work {
  std::string signature;  ///< operator, types, shapes and constants: what a graph is known by
  double flops = 0;
  double bytes = 0;
  double rate = 1;  ///< of its products, beside bf16
};

/// The card's clock. Values are there at once; time is simulated: in lazy mode nothing starts
/// before a step (an event, a copy to the host), a graph is compiled on the host when it is seen
/// first, and the card works on behind the host until somebody waits.
///
/// Read at first use: PT_HPU_LAZY_MODE, PT_HPU_PLACE_ON_CPU, HLS_MODULE_ID,
/// PT_HPU_RECIPE_CACHE_CONFIG, and SIMULATED_HPU_TFLOPS, _GBPS, _LAUNCH_US, _COMPILE_MS, and
/// _FORGETS for a card that compiles at every step.
class Card {
 public:
  Card() = default;
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  void acquire();
  bool acquired() const { return acquired_; }
  bool lazy() const { return lazy_; }
  std::int64_t module() const { return module_; }
  /// Whether an operator may run on the host.
  bool places_on_host(const std::string& op) const;

  void issue(const Work& work);
  /// The step marker: hands the collected graph over. Returns when the card will be done with it.
  Clock::time_point step();
  void step_and_wait();
  static void wait(Clock::time_point until);

  bool busy();
  double busy_seconds();

 private:
  void launch();
  bool must_compile(const std::string& recipe);

  std::mutex mutex_;
  bool acquired_ = false, lazy_ = true, forgets_ = false;
  std::int64_t module_ = -1;
  std::string on_host_, recipe_folder_;
  double flops_ = 0, bytes_ = 0, launch_ = 0, compile_ = 0;  ///< per second; seconds
  std::size_t pending_ = 0;                                  ///< hash of the collected graph
  double pending_seconds_ = 0, busy_seconds_ = 0;
  std::unordered_set<std::string> recipes_;
  Clock::time_point free_at_{};
};

Card& card();

}  // namespace simulated_hpu

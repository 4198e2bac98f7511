#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "execute/card_state.hpp"

/// NVIDIA's management library (NVML), which comes with the driver: opened at run time, and
/// declared here as far as it is used, so that no header of CUDA is needed. Private to this folder.
namespace gainsweep::execute {

/// An NVIDIA card as its driver knows it.
struct NvmlCard {
  std::string name;
  std::string uuid;                  ///< `GPU-…`
  std::string address;               ///< of the PCI bus
  std::pair<int, int> capability{};  ///< compute capability; 0.0 where nobody tells
};

/// NVML numbers cards in the order of their PCI addresses, CUDA in one that CUDA_VISIBLE_DEVICES
/// and CUDA_DEVICE_ORDER decide. So a card is asked for by its address or UUID, never by number.
class Nvml {
 public:
  /// `file` opened and initialised; null where it is not there or finds no driver.
  static std::unique_ptr<const Nvml> open(const char* file = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::string driver_version() const;
  /// All cards of the machine, in NVML's order.
  std::vector<NvmlCard> cards() const;
  /// What it tells of the card with a PCI address (`0000:19:00.0`) or UUID; no name for one that
  /// is not there.
  NvmlCard card(const std::string& id) const;
  /// How that card is doing; nothing but NaN for one that is not there.
  CardState state(const std::string& id) const;

 private:
  struct Calls;
  explicit Nvml(std::unique_ptr<const Calls> calls);
  void* handle(const std::string& id) const;
  NvmlCard describe(void* handle) const;

  std::unique_ptr<const Calls> calls_;
};

/// The library of this machine's driver, opened once; null where there is none.
const Nvml* nvml();

/// NVML's names of the bits of its mask of clocks event reasons.
std::vector<std::string> clock_reason_names(std::uint64_t mask);
/// The bits that hold a card back: all but idleness and clocks that somebody set.
std::uint64_t holding_back(std::uint64_t mask);

}  // namespace gainsweep::execute

#pragma once

#include <limits>
#include <string>
#include <vector>

namespace gainsweep::execute {

/// How a card is doing: what its times depend on beside the program. NaN for what nobody tells.
struct CardState {
  double clock_hz = std::numeric_limits<double>::quiet_NaN();  ///< of its processors
  double power_watts = std::numeric_limits<double>::quiet_NaN();
  double temperature_celsius = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::string> clock_reasons{};  ///< why the clock is what it is, in the driver's words
  std::vector<std::string> held_back_by{};   ///< those that are neither idleness nor a set clock
};

}  // namespace gainsweep::execute

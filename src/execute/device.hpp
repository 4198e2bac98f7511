#pragma once

#include "base/words.hpp"

namespace gainsweep::execute {

/// Where numbers are computed.
enum class Device { cpu, cuda, hpu };

constexpr auto words(Device) {
  return std::to_array<Word<Device>>(
      {{Device::cpu, "cpu"}, {Device::cuda, "cuda"}, {Device::hpu, "hpu"}});
}

}  // namespace gainsweep::execute

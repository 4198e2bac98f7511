#pragma once

#include <filesystem>
#include <optional>

#include "base/words.hpp"

namespace gainsweep::execute {

/// How a Gaudi runs what it is given.
enum class HpuMode {
  lazy,   ///< calls are collected, and run as one compiled graph
  eager,  ///< call by call
};

constexpr auto words(HpuMode) {
  return std::to_array<Word<HpuMode>>({{HpuMode::lazy, "lazy"}, {HpuMode::eager, "eager"}});
}

/// How the Gaudi of a process is driven.
struct HpuSettings {
  std::optional<std::filesystem::path> plugin;  ///< none: habana_frameworks beside LibTorch
  HpuMode mode = HpuMode::lazy;
};

/// How this process drives its Gaudi; before the device `hpu` is loaded.
void drive_hpu(const HpuSettings& settings);

}  // namespace gainsweep::execute

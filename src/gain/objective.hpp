#pragma once

#include "base/words.hpp"

namespace gainsweep::gain {

/// What a plan saves.
enum class Objective { time, macs, memory };

constexpr auto words(Objective) {
  return std::to_array<Word<Objective>>(
      {{Objective::time, "time"}, {Objective::macs, "macs"}, {Objective::memory, "memory"}});
}

}  // namespace gainsweep::gain

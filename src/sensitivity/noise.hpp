#pragma once

#include "base/words.hpp"

namespace gainsweep::sensitivity {

/// Models of the rounding error that loss errors are predicted with (docs/method.md).
enum class Noise { empirical, paper, log_uniform };

constexpr auto words(Noise) {
  return std::to_array<Word<Noise>>({{Noise::empirical, "empirical"},
                                     {Noise::paper, "paper"},
                                     {Noise::log_uniform, "log_uniform"}});
}

}  // namespace gainsweep::sensitivity

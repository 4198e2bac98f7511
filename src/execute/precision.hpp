#pragma once

#include "base/words.hpp"

namespace gainsweep::execute {

/// The arithmetic of real numbers.
enum class Precision {
  fp32,
  bf16,
  fp64,  ///< for references; users have no word for it
};

constexpr auto words(Precision) {
  return std::to_array<Word<Precision>>({{Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}});
}

}  // namespace gainsweep::execute

#pragma once

#include "base/words.hpp"

namespace gainsweep::gain {

/// What measured savings count when plans are chosen.
enum class Counting {
  lower,   ///< the lower end of the interval, nothing where it covers 0
  median,  ///< the median
};

constexpr auto words(Counting) {
  return std::to_array<Word<Counting>>({{Counting::lower, "lower"}, {Counting::median, "median"}});
}

}  // namespace gainsweep::gain

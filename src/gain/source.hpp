#pragma once

#include "base/words.hpp"

namespace gainsweep::gain {

/// Where times come from.
enum class Source { measured };

constexpr auto words(Source) {
  return std::to_array<Word<Source>>({{Source::measured, "measured"}});
}

}  // namespace gainsweep::gain

#pragma once

#include "base/words.hpp"

namespace gainsweep::solve {

/// How a plan is chosen.
enum class Strategy { ip, prefix, random };

constexpr auto words(Strategy) {
  return std::to_array<Word<Strategy>>(
      {{Strategy::ip, "ip"}, {Strategy::prefix, "prefix"}, {Strategy::random, "random"}});
}

}  // namespace gainsweep::solve

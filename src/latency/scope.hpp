#pragma once

#include "base/words.hpp"

namespace gainsweep::latency {

/// What is timed.
enum class Scope {
  model,     ///< the whole forward pass with one class of sub-graphs lowered
  subgraph,  ///< a sub-graph alone on captured inputs
};

constexpr auto words(Scope) {
  return std::to_array<Word<Scope>>({{Scope::model, "model"}, {Scope::subgraph, "subgraph"}});
}

}  // namespace gainsweep::latency

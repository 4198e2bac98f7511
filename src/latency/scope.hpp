#pragma once

#include "base/words.hpp"

namespace gainsweep::latency {

/// What is timed.
enum class Scope {
  model,     ///< the whole forward pass with one class of sub-graphs lowered
  subgraph,  ///< the segment of the graph that holds a sub-graph
};

constexpr auto words(Scope) {
  return std::to_array<Word<Scope>>({{Scope::model, "model"}, {Scope::subgraph, "subgraph"}});
}

}  // namespace gainsweep::latency

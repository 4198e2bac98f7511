#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "solve/chains.hpp"
#include "solve/problem.hpp"

namespace gainsweep::solve {

/// Which partial selections are worth extending.
struct Limit {
  double largest_cost = std::numeric_limits<double>::max();
  double price = 0;  ///< gain that one unit of cost is worth
  double least_value = -std::numeric_limits<double>::infinity();  ///< of gain − price · cost
};

/// The non-dominated selections of the first groups, grown group by group, where the first resource
/// is the only one. `VectorSelections` is for several.
///
/// A selection is dropped when another one gains more at no more cost, or gains the same at no more
/// cost and comes first lexicographically. One that gains the same and costs less but comes *later*
/// does not drop it while later additions may still round the two costs to the same number; `tie`
/// bounds the difference for which that can happen.
class Selections {
 public:
  /// Sums over the groups so far.
  struct State {
    std::int64_t gain = 0;
    double cost = 0;  ///< added in group order
    Chains::Step last;
  };

  /// The empty selection.
  Selections() : states_(1) {}

  /// Adds a group, of whose choices those at some rising indices are allowed.
  void extend(const std::vector<Choice>& group, const std::vector<std::uint32_t>& allowed,
              const Limit& limit, double tie);

  /// By falling gain and, but for near ties (`tie` > 0), falling cost. Empty when nothing kept the
  /// limits.
  const std::vector<State>& states() const { return states_; }

  /// The choices that lead to a state, one per group.
  std::vector<std::size_t> choices(std::size_t state) const { return chains_.choices(state); }

 private:
  class Sweep;

  std::vector<State> useful(const std::vector<Choice>& group,
                            const std::vector<std::uint32_t>& allowed, double tie) const;
  void merge(const State& choice, const Limit& limit, double tie, const std::vector<State>& kept,
             std::vector<State>& merged) const;

  std::vector<State> states_;
  Chains chains_;
};

}  // namespace gainsweep::solve

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// Which partial selections are worth extending.
struct Limit {
  double largest_cost = std::numeric_limits<double>::max();
  double price = 0;  ///< gain that one unit of cost is worth
  double least_value = -std::numeric_limits<double>::infinity();  ///< of gain − price · cost
};

/// The non-dominated selections of the first groups, grown group by group.
///
/// A selection is dropped when another one gains more at no more cost, or gains the same at no more
/// cost and comes first lexicographically. One that gains the same and costs less but comes *later*
/// does not drop it while later additions may still round the two costs to the same number; `tie`
/// bounds the difference for which that can happen.
///
/// Selections are stored as chains of back-pointers, eight bytes per kept selection and group.
class Selections {
 public:
  /// Sums over the groups so far.
  struct State {
    std::int64_t gain = 0;
    double cost = 0;           ///< added in group order
    std::uint32_t parent = 0;  ///< state of the previous layer
    std::uint32_t choice = 0;  ///< of the last group
  };

  /// The empty selection.
  Selections() : states_(1) {}

  /// Adds a group.
  void extend(const std::vector<Choice>& group, const Limit& limit, double tie);

  /// By falling gain and, but for near ties (`tie` > 0), falling cost. Empty when nothing kept the
  /// limits.
  const std::vector<State>& states() const { return states_; }

  /// The choices that lead to a state, one per group.
  std::vector<std::size_t> choices(std::size_t state) const;

 private:
  struct Step {
    std::uint32_t parent = 0;
    std::uint32_t choice = 0;
  };
  class Sweep;

  bool comes_first(const State& a, const State& b) const;
  std::vector<State> useful(const std::vector<Choice>& group, double tie) const;
  void merge(const State& choice, const Limit& limit, double tie, const std::vector<State>& kept,
             std::vector<State>& merged) const;

  std::vector<State> states_;
  std::vector<std::vector<Step>> steps_;  ///< one layer per group
};

}  // namespace gainsweep::solve

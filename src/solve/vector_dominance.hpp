#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "solve/chains.hpp"
#include "solve/problem.hpp"

namespace gainsweep::solve {

/// A least value (gain − price · cost) of a partial selection.
struct Floor {
  Resources price{};  ///< gain that one unit of each resource is worth
  double least_value = -std::numeric_limits<double>::infinity();
};

/// Which partial selections of several resources are worth extending, and how they compare.
struct VectorLimit {
  Resources largest_cost{};
  /// Sums up to here keep the limit whatever the groups behind add, so that they count as 0 where
  /// selections of unequal gain are compared.
  Resources harmless{};
  std::vector<Floor> floors;  ///< one or more; the first says which selections are of most value
  double tie = 0;             ///< what later additions may round away of the first resource
};

/// The limits of a selection that the groups behind it complete at a cost between `least` and
/// `most`, with one floor that nothing is below. `slack`: what rounding may hide of each sum.
/// `last`: nothing is behind.
VectorLimit make_limit(const std::vector<double>& limits, const Resources& slack,
                       const Resources& least, const Resources& most, bool last);

/// The non-dominated selections of the first groups, grown group by group, under several resources.
///
/// A selection is dropped when another one costs no more of any resource, and gains more, or gains
/// the same and comes first lexicographically or costs less of the first resource than later
/// additions may round away. Rounded addition is monotone entry by entry, so whatever completes the
/// dropped one completes the other one to a better selection or an equal one that comes first.
class VectorSelections {
 public:
  /// Sums over the groups so far.
  struct State {
    std::int64_t gain = 0;
    Resources cost{};  ///< added in group order
    Chains::Step last;
  };

  /// The empty selection. Where more than `most_states` selections of a group are not dominated,
  /// those of most value are kept alone. `num_resources` is 2 or more.
  VectorSelections(std::size_t num_resources, std::size_t most_states)
      : num_resources_(num_resources), most_states_(most_states), states_(1) {}

  /// Adds a group.
  void extend(const std::vector<Choice>& group, const VectorLimit& limit);

  /// By falling gain and, at equal gain, rising cost of the first resource.
  const std::vector<State>& states() const { return states_; }

  /// False once a selection was left out that nothing dominates.
  bool complete() const { return complete_; }

  /// The choices that lead to a state, one per group.
  std::vector<std::size_t> choices(std::size_t state) const { return chains_.choices(state); }

 private:
  template <std::size_t num_resources>
  std::vector<State> sweep(const std::vector<Choice>& group, const VectorLimit& limit) const;
  void cut(const VectorLimit& limit);

  std::size_t num_resources_;
  std::size_t most_states_;
  bool complete_ = true;
  std::vector<State> states_;
  Chains chains_;
};

}  // namespace gainsweep::solve

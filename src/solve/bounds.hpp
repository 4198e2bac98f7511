#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// Gain less the price of what it costs, which runs over the first `num_resources` entries.
inline double priced(std::int64_t gain, const Resources& cost, const Resources& price,
                     std::size_t num_resources) {
  double value = static_cast<double>(gain);
  for (std::size_t resource = 0; resource < num_resources; ++resource) {
    value -= price[resource] * cost[resource];
  }
  return value;
}

/// Upper bounds of what the groups from some group on can still add, for fixed prices λ ≥ 0 of the
/// resources: gain ≤ λ · limits + Σ_groups max_p (gain_p − λ · cost_p) (Lagrangian relaxation,
/// Everett 1963). Any prices are valid; good ones make the bounds tight.
struct Bounds {
  Resources price{};
  double whole = 0;                  ///< λ · limits
  Resources slack{};                 ///< of cost: what rounding may hide
  double tolerance = 0;              ///< of gain: the rounding of the bounds themselves
  std::vector<double> suffix_value;  ///< Σ max_p (gain_p − λ · cost_p) from a group on

  /// No selection within the limits gains more.
  double optimum() const { return whole + suffix_value.front() + tolerance; }

  /// The least priced value of a selection up to some group that can still gain `target`.
  double least_value(double target, std::size_t next_group) const {
    return target - tolerance - whole - suffix_value[next_group];
  }
};

/// The bounds for some prices. Every group has a choice that is within the limits by itself.
Bounds make_bounds(const Problem& problem, const Resources& price);

/// Indices of a group's choices that a selection gaining `target` within the limits may hold.
std::vector<std::uint32_t> reduce(const Problem& problem, const Bounds& bounds, std::size_t group,
                                  double target);

}  // namespace gainsweep::solve

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// How a random problem is drawn. Few levels make ties; tenths and thirds make sums that depend on
/// the order of addition.
struct InstanceSpec {
  std::size_t most_groups = 6;
  std::size_t most_choices = 4;
  std::int64_t gain_levels = 8;  ///< gains are drawn from [−levels/4, levels]
  std::int64_t gain_unit = 1;
  std::int64_t cost_levels = 5;  ///< 0: continuous costs
  double cost_unit = 0.1;
  std::size_t num_resources = 1;
};

/// A random problem; its limits are sometimes zero, unreachable, exactly a selection's cost, or
/// just below one.
inline Problem random_problem(const InstanceSpec& spec, std::mt19937_64& bits) {
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(bits);
  };
  const auto cost = [&] {
    if (spec.cost_levels > 0) {
      return static_cast<double>(draw(0, spec.cost_levels)) * spec.cost_unit;
    }
    return std::lognormal_distribution<double>(0, 2)(bits) * spec.cost_unit;
  };
  Problem problem;
  problem.groups.resize(static_cast<std::size_t>(draw(1, static_cast<int>(spec.most_groups))));
  Resources some_selection{};
  for (auto& group : problem.groups) {
    group.resize(static_cast<std::size_t>(draw(1, static_cast<int>(spec.most_choices))));
    for (Choice& choice : group) {
      choice.gain = draw(-spec.gain_levels / 4, spec.gain_levels) * spec.gain_unit;
      for (std::size_t r = 0; r < spec.num_resources; ++r) choice.cost[r] = cost();
    }
    for (std::size_t r = 0; r < spec.num_resources; ++r) {
      some_selection[r] += group[group.size() / 2].cost[r];
    }
  }
  // The more limits, the wider, so that many problems stay feasible.
  const auto count = static_cast<std::int64_t>(spec.num_resources);
  for (std::size_t r = 0; r < spec.num_resources; ++r) {
    switch (draw(0, 3 + 2 * count)) {
      case 0:
        problem.limits.push_back(0);
        break;
      case 1:
        problem.limits.push_back(some_selection[r]);
        break;
      case 2:
        problem.limits.push_back(std::nextafter(some_selection[r], 0.0));
        break;
      default:
        problem.limits.push_back(some_selection[r] *
                                 static_cast<double>(draw(1, 100 + 50 * count)) / 100);
    }
  }
  return problem;
}

}  // namespace gainsweep::solve

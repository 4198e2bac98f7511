#pragma once

#include <cmath>
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
};

/// A random problem; its budget is sometimes zero, unreachable, exactly a selection's cost, or just
/// below one.
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
  double some_selection = 0;
  for (auto& group : problem.groups) {
    group.resize(static_cast<std::size_t>(draw(1, static_cast<int>(spec.most_choices))));
    for (Choice& choice : group) {
      choice = {draw(-spec.gain_levels / 4, spec.gain_levels) * spec.gain_unit, cost()};
    }
    some_selection += group[group.size() / 2].cost;
  }
  switch (draw(0, 5)) {
    case 0:
      problem.budget = 0;
      break;
    case 1:
      problem.budget = some_selection;
      break;
    case 2:
      problem.budget = std::nextafter(some_selection, 0.0);
      break;
    default:
      problem.budget = some_selection * static_cast<double>(draw(1, 150)) / 100;
  }
  return problem;
}

}  // namespace gainsweep::solve

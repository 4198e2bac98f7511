#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "solve/problem.hpp"

/// Multiple-choice programs whose cost has terms of pairs: what two ops change together is not the
/// sum of what each changes alone. Costs may be negative.
namespace gainsweep::solve {

struct QuadraticChoice {
  std::int64_t gain = 0;
  double cost = 0;  ///< alone
};

/// What two choices of different groups cost together beyond both alone.
struct PairCost {
  std::size_t group = 0, choice = 0;
  std::size_t other_group = 0, other_choice = 0;  ///< other_group > group
  double cost = 0;
};

/// One choice of each group, of least cost among those that gain enough.
struct QuadraticProblem {
  std::vector<std::vector<QuadraticChoice>> groups;
  std::vector<PairCost> pairs;  ///< each pair of choices once at most
  std::int64_t least_gain = 0;
};

struct QuadraticSolution {
  std::vector<std::size_t> choices;  ///< empty where no selection gains enough
  std::int64_t gain = 0;
  double cost = 0;
};

/// The best selection found, with the bound that CBC proved: `proved` where the gap is closed.
struct QuadraticOutcome {
  QuadraticSolution solution;
  Certificate certificate;  ///< its objective is a cost, and its gap relative to the cost's size
};

/// What a selection gains and costs, sums in the order of groups, then of pairs. Error(internal)
/// for a malformed problem.
QuadraticSolution evaluate(const QuadraticProblem& problem,
                           const std::vector<std::size_t>& choices);

/// The end of exchanges of one and two choices from a selection that gains enough: none of these
/// costs less.
QuadraticSolution descend(const QuadraticProblem& problem, std::vector<std::size_t> choices);

/// Descents from the largest gains, from the least costs alone and from random selections, the best
/// of which CBC improves on or proves: the program is linearised, a column for each pair, and the
/// search ends after `most_nodes`. Deterministic.
QuadraticOutcome solve_quadratic(const QuadraticProblem& problem, std::int64_t most_nodes);

/// Tries every selection; for tests. Error(internal) above 2^20 selections.
QuadraticSolution exhaustive(const QuadraticProblem& problem);

}  // namespace gainsweep::solve

#pragma once

#include <cstdint>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// The plan of record by an exact dynamic program over non-dominated (gain, cost) states, pruned by
/// the bound of the linear relaxation. Error(internal) for a malformed problem: an empty group, a
/// negative or non-finite cost or budget.
Solution dynamic_program(const Problem& problem);

/// Proves a solution of `dynamic_program` with CBC: objective within 1e-6 relative, or
/// infeasible under a cutoff 1e-6 better. Error(internal) on any other disagreement. Problems of
/// many interchangeable choices can take CBC for ever; a search of more than `most_nodes` nodes
/// stops and the certificate says how much is left unproved.
Certificate certify(const Problem& problem, const Solution& solution,
                    std::int64_t most_nodes = 2000);

/// CBC alone, without a cutoff: for checks and benchmarks.
Solution branch_and_bound(const Problem& problem);

/// Tries every selection; for tests. Error(internal) above 2^22 selections.
Solution exhaustive(const Problem& problem);

/// One point of a frontier.
struct FrontierPoint {
  std::int64_t gain = 0;
  double cost = 0;
  std::vector<std::size_t> choices;
};

/// Every Pareto-optimal (cost, gain) selection, by rising cost; costs above `largest_budget` left
/// out.
std::vector<FrontierPoint> frontier(const std::vector<std::vector<Choice>>& groups,
                                    double largest_budget);

/// What the baselines see: per op (IR order) the cost of each low format it may take.
struct LowFormat {
  std::size_t format = 0;  ///< FormatId index, ≥ 1
  double cost = 0;
};
using OpFormats = std::vector<std::vector<LowFormat>>;  ///< an op with no entry stays high

/// Lowers ops in IR order, each to its cheapest low format, and stops at the first that does not
/// fit. Returns a format index per op, 0 for high.
std::vector<std::size_t> prefix(const OpFormats& ops, double budget);

/// `prefix` over a random order of the ops: draw `draw` of the stream seeded by `seed`
/// (Boost.Random, the same on every platform).
std::vector<std::size_t> random(const OpFormats& ops, double budget, std::uint64_t seed,
                                std::uint64_t draw);

}  // namespace gainsweep::solve

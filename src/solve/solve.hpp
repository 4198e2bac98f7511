#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// How far to go for a plan of record and its proof.
struct Effort {
  /// Partial selections kept for each group where there are several resources.
  std::size_t most_states = std::size_t{1} << 14;
  std::int64_t most_nodes = 2000;  ///< of each of CBC's proofs, or of its search for a plan
};

/// The plan of record and CBC's word on it. `dynamic_program`, and its proof by `certify`. Where it
/// finds no end within `most_states`, `branch_and_bound` goes on from its best plan: the solution
/// is optimal in gain when the certificate is proved, though a plan of equal gain may cost less of
/// the first resource or come first; otherwise it is `feasible` or `unknown`, and the certificate
/// holds the gap.
Outcome solve(const Problem& problem, const Effort& effort = {});

/// The same for a solution of `dynamic_program`: its proof by CBC, or where it is not finished what
/// CBC finds from there on.
Outcome prove(const Problem& problem, const Solution& solution, const Effort& effort = {});

/// The dual: the selection of least cost of the first resource, the error, within the limits of the
/// others (one to three); the first limit counts nothing, and neither do gains. Ties go to the
/// least cost of the second resource, then to the lexicographically first. Errors are compared in
/// whole parts, 2⁵¹ or more of what the largest errors add up to that the plan may hold: with n
/// groups its error is at most n²·2⁻⁵⁰ of itself above the least. Solved and proved as by `solve`;
/// the certificate's objective is an error.
Outcome solve_dual(const Problem& problem, const Effort& effort = {});

/// The plan of record by an exact dynamic program over non-dominated (gain, cost) states, pruned by
/// the bound of the linear relaxation. With one resource it always ends with the plan of record or
/// `infeasible`; with several it may end as `feasible` or `unknown` where it would have to keep
/// more than `most_states` partial selections of a group. Error(internal) for a malformed problem:
/// an empty group, a negative or non-finite cost or limit, none or too many limits.
Solution dynamic_program(const Problem& problem, std::size_t most_states = Effort{}.most_states);

/// Proves a solution of `dynamic_program` with CBC: objective within 1e-6 relative, or
/// infeasible under a cutoff 1e-6 better. Error(internal) on any other disagreement, and for a
/// solution that is neither optimal nor infeasible. Problems of many interchangeable choices can
/// take CBC for ever; a search of more than `most_nodes` nodes stops and the certificate says how
/// much is left unproved.
Certificate certify(const Problem& problem, const Solution& solution,
                    std::int64_t most_nodes = Effort{}.most_nodes);

/// CBC alone: looks for a plan that gains more than the incumbent, if that has one, in at most
/// `most_nodes` nodes. The solution is optimal (in gain; ties fall as CBC finds them) or infeasible
/// when that is proved, otherwise `feasible` or `unknown` with the gap to CBC's bound in the
/// certificate, infinite without a plan.
Outcome branch_and_bound(const Problem& problem, const Solution& incumbent = {},
                         std::int64_t most_nodes = std::numeric_limits<std::int64_t>::max());

/// Tries every selection; for tests. Error(internal) above 2^22 selections.
Solution exhaustive(const Problem& problem);

/// One point of a frontier.
struct FrontierPoint {
  std::int64_t gain = 0;
  Resources cost{};
  std::vector<std::size_t> choices;
};

/// Every selection within the limits that is Pareto-optimal in gain and cost of the first resource,
/// by rising cost; of several with both equal the lexicographically first. It is the plan of record
/// where the first limit is the point's own cost. Limits may be infinite, or negative, which leaves
/// nothing. Error(internal) for malformed groups or a limit that is not a number; Error(config) for
/// several million partial selections.
std::vector<FrontierPoint> frontier(const Problem& problem);

/// What the baselines see: per op (IR order) the cost of each low format it may take.
struct LowFormat {
  std::size_t format = 0;  ///< FormatId index, ≥ 1
  Resources cost{};
  double bits = 0;  ///< of an element of its weight times those of an activation
};
using OpFormats = std::vector<std::vector<LowFormat>>;  ///< an op with no entry stays high

/// Lowers ops in IR order, each to its low format of least cost of the first resource, and stops at
/// the first that does not fit all limits. Returns a format index per op, 0 for high.
/// Error(internal) for malformed formats or limits.
std::vector<std::size_t> prefix(const OpFormats& ops, const std::vector<double>& limits);

/// `prefix` over a random order of the ops: draw `draw` of the stream seeded by `seed`
/// (Boost.Random, the same on every platform).
std::vector<std::size_t> random(const OpFormats& ops, const std::vector<double>& limits,
                                std::uint64_t seed, std::uint64_t draw);

}  // namespace gainsweep::solve

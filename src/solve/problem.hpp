#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// Multiple-choice knapsacks: one configuration per sub-graph. Numbers only: no graph, no tensors.
namespace gainsweep::solve {

/// One configuration of a group.
struct Choice {
  std::int64_t gain = 0;  ///< in the objective's integer unit: ns, bytes or MACs; may be negative
  double cost = 0;        ///< loss error, ≥ 0
};

/// Maximise the summed gain of one choice per group while the summed cost stays within the budget.
struct Problem {
  std::vector<std::vector<Choice>> groups;
  double budget = 0;
};

enum class Termination { optimal, infeasible };

/// A plan of record: largest gain, then least cost, then lexicographically least choices.
struct Solution {
  Termination termination = Termination::infeasible;
  std::vector<std::size_t> choices;  ///< one index per group; empty when infeasible
  std::int64_t gain = 0;
  double cost = 0;  ///< summed in group order
  double least_cost =
      0;  ///< smallest cost that any selection reaches: tells an infeasible budget's way out
};

/// How CBC certified a solution.
struct Certificate {
  double objective = 0;     ///< CBC's own optimum in the problem's unit (the cutoff when it proved
                            ///< there is none better)
  double relative_gap = 0;  ///< |objective − gain| / max(1, |gain|)
  std::int64_t nodes = 0;   ///< branch-and-bound nodes
  bool proved =
      true;  ///< false when CBC stopped at its limit of nodes: `objective` is then its bound
  bool resolved_with_margin = false;  ///< CBC's first plan was over the true budget by < 1e-6
};

}  // namespace gainsweep::solve

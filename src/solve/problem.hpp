#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Multiple-choice knapsacks with one limit or several: one configuration per sub-graph. Numbers
/// only: no graph, no tensors.
namespace gainsweep::solve {

inline constexpr std::size_t most_resources = 4;

/// What a choice uses up, all ≥ 0: the loss error first, then the other resources in use; the
/// entries behind them are 0.
using Resources = std::array<double, most_resources>;

/// One configuration of a group.
struct Choice {
  std::int64_t gain = 0;  ///< in the objective's integer unit: ns, bytes or MACs; may be negative
  Resources cost{};
};

using Groups = std::vector<std::vector<Choice>>;

/// Maximise the summed gain of one choice per group while the summed cost stays within the limit of
/// every resource.
struct Problem {
  Groups groups;
  std::vector<double> limits;  ///< one for each resource in use, 1 to `most_resources`
};

enum class Termination {
  optimal,
  feasible,    ///< a plan that keeps the limits; others may gain more
  infeasible,  ///< no selection keeps the limits
  unknown,     ///< no plan was found, nor a proof that there is none
};

/// A plan of record: largest gain, then least cost of the first resource, then lexicographically
/// least choices. Of the other resources only the limits count. Sums run in group order in double,
/// entry by entry, and are compared with the limits as they are.
struct Solution {
  Termination termination = Termination::infeasible;
  std::vector<std::size_t> choices;  ///< one index per group; empty when there is no plan
  std::int64_t gain = 0;
  Resources cost{};
  /// The smallest cost that any selection reaches, each resource by itself. It tells an infeasible
  /// problem's way out: a limit below its entry cannot be kept whatever the others are; where there
  /// is no such limit, only all of them together are too tight.
  Resources least_cost{};
  std::size_t most_states = 0;  ///< partial selections that the list kept at once, at most
};

/// How CBC certified a solution, or searched for a better one.
struct Certificate {
  double objective = 0;     ///< CBC's own optimum in the problem's unit (the cutoff when it proved
                            ///< there is none better)
  double relative_gap = 0;  ///< |objective − gain| / max(1, |gain|)
  std::int64_t nodes = 0;   ///< branch-and-bound nodes
  bool proved =
      true;  ///< false when CBC stopped at its limit of nodes: `objective` is then its bound
  bool resolved_with_margin = false;  ///< CBC's first plan was over a true limit by < 1e-6
};

/// A solution and what CBC says of it.
struct Outcome {
  Solution solution;
  Certificate certificate;
};

}  // namespace gainsweep::solve

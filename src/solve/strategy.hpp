#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {

/// A format's FormatId index for each op that is lowered as one; 0 stays high.
using Formats = std::vector<std::size_t>;

/// A number for each op and each of its low formats, as `OpFormats` has them: the larger, the more
/// lowering the op to it is taken to change.
using Scores = std::vector<std::vector<double>>;

/// What two ops lowered together change beyond the scores of both; places are of their low formats.
struct Interaction {
  std::size_t op = 0, place = 0;
  std::size_t other = 0, other_place = 0;  ///< other > op
  double score = 0;
};

/// What every strategy starts from.
struct Numbers {
  OpFormats ops;  ///< in IR order, each format with its loss error alone
  /// What the summed loss errors may be under a threshold.
  std::function<double(double threshold)> budget;
  std::uint64_t seed = 0;
  std::uint64_t draws = 1;  ///< plans that a random strategy makes
  std::size_t verify = 0;   ///< steps beyond the one that a search found which are measured, too
};

/// A plan with the certificate of the exact program that made it, if one did.
struct Program {
  Formats formats;
  std::optional<Certificate> certificate{};
};

/// A measured property of a plan that a threshold bounds (sensitivity/metric.hpp): a τ, for
/// example.
struct Quality {
  double value = 0;
  double standard_error = 0;
};

/// What a plan changes on the samples of searches, by sample.
struct Change {
  std::vector<double> loss;        ///< its loss less all-high's, nat
  std::vector<double> divergence;  ///< of its predictions from all-high's, nat a target
  std::vector<double> noise;       ///< Σ (y' − y)² / Σ y² of class scores y' and all-high's y
};

/// What a strategy may ask for. An answer is nothing as long as it is not known: whoever gets
/// nothing returns nothing, and is called again when more is known. A strategy sees what it asked
/// for alone, so that its plans follow from the numbers and not from what others measured.
class Asking {
 public:
  virtual ~Asking() = default;
  /// The exact program's plan under a threshold.
  virtual std::optional<Program> program(double threshold) = 0;
  /// That of the largest gain whose scores, at least 0 each, add up to `limit` at most.
  virtual std::optional<Program> program(const Scores& scores, double limit) = 0;
  /// That of the least sum of scores and interactions, which may be negative, among those that gain
  /// at least a part of the most that any plan gains (solve/quadratic.hpp).
  virtual std::optional<Program> program(const Scores& scores,
                                         const std::vector<Interaction>& interactions,
                                         double part) = 0;
  /// Qualities of plans on the samples of searches. All of a batch are measured side by side.
  virtual std::optional<std::vector<Quality>> qualities(const std::vector<Formats>& plans) = 0;
  /// What plans change on the same samples; they count as measured, too.
  virtual std::optional<std::vector<Change>> changes(const std::vector<Formats>& plans) = 0;
};

/// A strategy's plans under a threshold.
struct Answer {
  std::vector<Formats> plans;                ///< one, or one a draw
  std::optional<Certificate> certificate{};  ///< where an exact program made the plan
  bool is_program = false;  ///< the plan is that of the exact program under the threshold itself
  /// Of the scores that made the plan (solve/score.hpp), where they come from samples of searches.
  std::optional<double> reliability{};
  /// Of the plan, where it was searched for by this.
  std::optional<Quality> quality{};
};

/// At most so many questions under one threshold.
struct MostAsked {
  std::size_t programs = 0;
  std::size_t qualities = 0;  ///< plans whose quality is asked for
};

/// How a plan is chosen.
struct Strategy {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// The answer, or nothing while what it asked for is not known. Pure, and started anew at each
  /// call; cheap where it asks for anything, for every rank calls it again after every exchange.
  std::function<std::optional<Answer>(const Numbers&, double threshold, Asking&)> next;
  /// Follows from the ops and formats alone.
  std::function<MostAsked(const Numbers&)> most_asked;
  bool keeps_constraints = false;  ///< on resources beside the loss error
  bool uses_loss_errors = true;    ///< which a forward and a backward pass are needed for
};

/// The strategy whose plan is the exact program's.
inline constexpr const char* exact_strategy = "ip";

/// * ip: the exact integer program (arXiv 2505.13060)
/// * prefix: lowers ops in IR order, each to its cheapest low format, to the first that does not
/// fit
/// * random: `prefix` over random orders of the ops
///
/// Those that search are a score (solve/score.hpp) and a selection (solve/ladder.hpp), and take the
/// last plan whose measured quality holds:
/// * ip_measured: first_order, exact
/// * single_loss, single_kl: exact
/// * clado: pair_loss, quadratic (after arXiv 2307.05657)
/// * amp: sqnr, order (after arXiv 2302.05397, whose third phase sub-graphs' times stand for)
Table<Strategy>& strategies();

}  // namespace gainsweep::solve

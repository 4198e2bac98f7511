#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "batch/unit.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/key.hpp"
#include "solve/strategy.hpp"

/// Plans from a decision; pure, without the model.
namespace gainsweep::pipeline {

/// What is asked of a decision: plans under a threshold or within a budget, or a whole frontier.
struct Question {
  std::size_t aim = 0;   ///< index into aims()
  std::string how;       ///< strategy, or "frontier"
  double threshold = 0;  ///< τ, or an amount of the aim's resource; 0 for a frontier

  bool is_frontier() const;
  bool operator==(const Question&) const = default;
};

/// One per objective, strategy and threshold, then one frontier per objective, then one per budget,
/// of the exact strategy.
std::vector<Question> questions(const spec::SolveSpec& spec);

/// Whether the first of its plans is evaluated: every n-th threshold or budget counted from the
/// largest; the named strategies, or budgets where any is named.
bool is_evaluated(const spec::Spec& spec, const Question& question);

/// Most plans that are evaluated beside all-high.
std::size_t most_plans(const spec::Spec& spec);

/// The plans of one aim, strategy and threshold or budget: one, or one a draw for `random`.
struct Plans {
  double threshold = 0;       ///< that of the question
  double budget = 0;          ///< on the summed loss errors, or on the aim's resource
  std::vector<double> taken;  ///< of the aim's resource, where it has one
  std::vector<graph::Assignment> assignments;
  std::vector<std::int64_t> gains;
  std::vector<double> loss_errors;    ///< D = Σ d
  std::vector<double> predicted_mse;  ///< of the spec's loss model
  std::vector<double> biases;         ///< predicted mean changes of the loss
  std::vector<double> lows;           ///< of the 95 % interval of the predicted τ
  std::vector<double> highs;
  std::vector<std::string> assignment_keys;
  solve::Certificate certificate;        ///< of the exact program that made the plan, if one did
  std::int64_t num_samples = 0;          ///< calibration samples the loss errors stand on
  std::vector<std::string> constraints;  ///< limited resources beside the loss error
  std::vector<double> allowed;           ///< of each
  std::vector<double> amounts;           ///< what plans take, [assignment][constraint]
  std::optional<std::int64_t> asked;     ///< plans that were measured to find these; none for
                                         ///< strategies that measure nothing
  /// Forward passes of a set of samples that the plans rest on: 3 for loss errors, of which a
  /// backward pass is 2, and one for each plan that was measured, all-high included.
  std::int64_t passes = 0;
  std::optional<double> reliability;      ///< of scores from samples of searches
  std::optional<solve::Quality> quality;  ///< on them, where the plan was searched for by it
};

/// Where the answer goes and what it is called; without its key.
batch::Ticket ticket(const spec::Spec& spec, const Question& question, std::uint64_t order);

/// What the answer follows from beside the decision.
key::PlanQuestion key_facts(const spec::Spec& spec, const Question& question);

/// What strategies start from; refers to spec and decision.
solve::Numbers numbers(const spec::Spec& spec, const Decision& decision, std::size_t aim);

/// The exact program's plan under the question's threshold or within its budget, with its
/// certificate. Error(input) when no plan keeps the budget and the spec's constraints.
Plans solve_program(const Layout& layout, const spec::Spec& spec, const Question& question,
                    const Decision& decision);

/// A strategy's answer with what is predicted of it.
Plans describe(const Layout& layout, const spec::Spec& spec, const Question& question,
               const Decision& decision, const solve::Answer& answer);

/// Every Pareto-optimal plan of the question's aim, as the frontier's table.
batch::Fields frontier(const Layout& layout, const spec::Spec& spec, const Question& question,
                       const Decision& decision);

/// What a record says of a certificate, and back.
batch::Fields certificate_fields(const solve::Certificate& certificate);
solve::Certificate to_certificate(const batch::Fields& fields);

/// A record of plans that answer a question, and back.
batch::Fields to_fields(const Plans& plans, const spec::Spec& spec, const Question& question);
Plans to_plans(const archive::Record& record);

}  // namespace gainsweep::pipeline

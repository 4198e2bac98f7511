#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "batch/unit.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/key.hpp"
#include "solve/problem.hpp"

/// Plans from a decision; pure, without the model.
namespace gainsweep::pipeline {

/// What one unit of planning is to answer: plans under a threshold, or a whole frontier.
struct Question {
  std::size_t objective = 0;  ///< index into the spec's objectives
  bool is_frontier = false;
  std::size_t threshold = 0;  ///< index into the spec's thresholds
  solve::Strategy strategy = solve::Strategy::ip;
};

/// One per objective, strategy and threshold, then one frontier per objective.
std::vector<Question> questions(const spec::SolveSpec& spec);

/// The plans of one objective, threshold and strategy: one for `ip` and `prefix`, one a draw for
/// `random`.
struct Plans {
  double threshold = 0;
  double budget = 0;  ///< on the summed loss errors
  std::vector<graph::Assignment> assignments;
  std::vector<std::int64_t> gains;
  std::vector<double> loss_errors;    ///< D = Σ d
  std::vector<double> predicted_mse;  ///< of the spec's loss model
  std::vector<std::string> assignment_keys;
  solve::Certificate certificate;  ///< of `ip`
  std::int64_t num_samples = 0;    ///< calibration samples the loss errors stand on
};

/// Where the answer goes and what it is called; without its key.
batch::Ticket ticket(const spec::Spec& spec, const Question& question, std::uint64_t order);

/// What the answer follows from beside the decision.
key::PlanQuestion key_facts(const spec::Spec& spec, const Question& question);

/// Fields of the answer's record: of Plans, or the frontier's table.
batch::Fields answer(const Layout& layout, const spec::Spec& spec, const Question& question,
                     const Decision& decision);

/// Plans of such a record.
Plans to_plans(const archive::Record& record);
batch::Fields to_fields(const Plans& plans, const std::string& gain_units);

}  // namespace gainsweep::pipeline

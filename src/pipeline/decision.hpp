#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/table.hpp"
#include "execute/probe.hpp"
#include "gain/objective.hpp"
#include "pipeline/aim.hpp"
#include "pipeline/layout.hpp"
#include "pipeline/lowerable.hpp"
#include "sensitivity/anchor.hpp"
#include "sensitivity/loss_error.hpp"
#include "spec/spec.hpp"

/// From measured numbers to those that plans are made from; pure, without the model.
namespace gainsweep::pipeline {

/// What the measuring stages left behind.
struct Measured {
  std::vector<execute::ProbeRecord> scores;        ///< of the samples that succeeded, in order
  std::vector<sensitivity::AnchorRecord> anchors;  ///< likewise
  /// Set when an objective of times is asked for, and where times are not measured.
  std::optional<gain::Times> times;
};

sensitivity::Scores scores_of(const Layout& layout, const Measured& measured);

/// A limit on a resource beside the loss error, under one aim.
struct Constraint {
  std::string resource;
  double allowed = 0;                        ///< in the resource's unit
  double limit = 0;                          ///< on the sum of charges
  std::vector<std::vector<double>> charges;  ///< by [sub-graph][configuration]

  /// The same where another amount is allowed.
  double limit_of(double amount) const { return amount + (limit - allowed); }
};

class PlanPredictor;
class Resampling;

/// Numbers that every plan of a spec is made from.
struct Decision {
  sensitivity::LossErrors errors;
  std::shared_ptr<const PlanPredictor> predictor;  ///< under the spec's noise
  std::shared_ptr<const Resampling> resampling;    ///< null where no resamples are asked for
  std::vector<Aim> aims;                           ///< of the spec
  std::vector<gain::GainTable> gains;              ///< by aim
  /// By aim; that of a budget comes first, with nothing allowed.
  std::vector<std::vector<Constraint>> constraints;
  std::vector<std::vector<Lowerable>> lowerables;  ///< by aim
  std::vector<std::string> digests;                ///< by aim: of gains, errors and constraints
  std::optional<gain::Times> times;                ///< that gains in time follow from
};

/// What gains of a spec follow from; refers to all three.
gain::Facts gain_facts(const Layout& layout, const spec::Spec& spec,
                       const std::optional<gain::Times>& times);

/// Loss errors under the spec's noise and the gain table of every aim. Error(input) when no sample
/// was scored, Error(config) when times are asked for and nothing was timed.
Decision decide(const Layout& layout, const spec::Spec& spec, const Measured& measured);

/// Gains of `decision` as tables `gains/<objective>`, the objectives as tables `objectives`, and
/// the resources that there are budgets of as tables `resources`.
std::vector<archive::Table> gain_tables(const Layout& layout, const spec::Spec& spec,
                                        const Decision& decision);

/// Whether plans of an objective follow from times: it gains them, or a constraint limits them.
bool follows_times(const spec::Spec& spec, const std::string& objective);

/// Measured where plans of the objective follow from measured times.
archive::Nature nature_of(const spec::Spec& spec, const std::string& objective);

}  // namespace gainsweep::pipeline

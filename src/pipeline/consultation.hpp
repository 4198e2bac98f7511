#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "pipeline/plans.hpp"
#include "pipeline/scored_program.hpp"
#include "sensitivity/metric.hpp"

namespace gainsweep::pipeline {

/// Where the answers to a strategy's questions come from: units of a run, or rows of an archive.
/// For strategies that ask nothing both are empty.
struct Sources {
  /// The exact program's plans under a threshold; none while they are not known.
  std::function<std::optional<Plans>(double threshold)> program;
  /// That on scores; none while it is not known.
  std::function<std::optional<ScoredProgram>(const ScoredQuestion&)> scored;
  /// What was measured of an assignment on the samples of searches; none while not all is known.
  std::function<std::optional<sensitivity::Searched>(const graph::Assignment&)> searched;
};

/// Adds what fields of a record of losses say of further samples.
void add(sensitivity::Searched& searched, const batch::Fields& fields);

/// A strategy's answer to a question.
struct Consulted {
  std::optional<Plans> plans;  ///< none while the sources lack what it asks for
  bool is_program = false;     ///< they are the exact program's under the question's threshold
};
Consulted consult(const Layout& layout, const spec::Spec& spec, const Question& question,
                  const Decision& decision, const Sources& sources);

}  // namespace gainsweep::pipeline

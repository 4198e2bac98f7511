#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "pipeline/plans.hpp"
#include "pipeline/scored_program.hpp"

namespace gainsweep::pipeline {

/// What was measured of an assignment on the samples of searches, by sample.
struct Searched {
  std::vector<double> losses;
  std::vector<double> divergences;  ///< empty where models give no class scores, as is the next
  std::vector<double> noises;
};

/// Where the answers to a strategy's questions come from: units of a run, or rows of an archive.
/// For strategies that ask nothing both are empty.
struct Sources {
  /// The exact program's plans under a threshold; none while they are not known.
  std::function<std::optional<Plans>(double threshold)> program;
  /// That on scores; none while it is not known.
  std::function<std::optional<ScoredProgram>(const ScoredQuestion&)> scored;
  /// None while not all of it is known.
  std::function<std::optional<Searched>(const graph::Assignment&)> searched;
};

/// Adds what fields of a record of losses say of further samples.
void add(Searched& searched, const batch::Fields& fields);

/// A strategy's answer to a question.
struct Consulted {
  std::optional<Plans> plans;  ///< none while the sources lack what it asks for
  bool is_program = false;     ///< they are the exact program's under the question's threshold
};
Consulted consult(const Layout& layout, const spec::Spec& spec, const Question& question,
                  const Decision& decision, const Sources& sources);

}  // namespace gainsweep::pipeline

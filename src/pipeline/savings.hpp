#pragma once

#include <string>
#include <vector>

#include "archive/table.hpp"
#include "pipeline/layout.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/timing_target.hpp"

/// What was timed how well, and what plans save by it; pure, without the model.
namespace gainsweep::pipeline {

/// The table of the rounds of timed plans.
inline constexpr const char* plan_times_table = "evaluations/times";

/// All rounds of programs that were timed against each other.
struct TimedContest {
  std::string table;           ///< of its rounds
  std::string assignment_key;  ///< of the plan; empty for configurations of sub-graphs
  std::string label;           ///< first sub-graph of the class, or the plan
  latency::Timings timings;
};

/// The contests of timing targets that have rounds.
std::vector<TimedContest> timed_contests(const std::vector<TimingTarget>& targets,
                                         const std::vector<std::vector<latency::Timings>>& rounds);

/// The table `contests`: the all-high time of each and how precise it is; the quietest of those of
/// sub-graphs is marked. None without contests.
std::vector<archive::Table> contest_tables(const spec::Spec& spec,
                                           const std::vector<TimedContest>& contests);

/// A sentence where contests are less precise than the spec asks.
std::vector<std::string> imprecision(const spec::Spec& spec,
                                     const std::vector<TimedContest>& contests);

/// The assignments of plans that readers want to know the saving of: the first of a question's
/// plans, all of them where they gain time.
std::vector<graph::Assignment> told(const spec::Spec& spec, const Question& question,
                                    const Plans& plans);

/// The table `savings`: what each distinct assignment saves in time; those with a configuration
/// that was not timed are left out. None where nothing was timed.
std::vector<archive::Table> saving_tables(const Layout& layout, const spec::Spec& spec,
                                          const std::optional<gain::Times>& times,
                                          const std::vector<graph::Assignment>& assignments);

}  // namespace gainsweep::pipeline

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "base/table.hpp"
#include "solve/score.hpp"
#include "solve/strategy.hpp"

/// Plans in a row, of which a search takes the last that holds.
namespace gainsweep::solve {

/// Plans that lower ever more by their scores. Plan 0 is all-high.
struct Ladder {
  std::size_t steps = 0;
  /// A plan from 1 to `steps`; nothing while it is not known.
  std::function<std::optional<Program>(std::size_t step)> plan;
};

/// How scores make plans.
struct Selection {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// Refers to its arguments.
  std::function<Ladder(const Numbers&, const Scored&, Asking&)> ladder;
  std::function<std::size_t(const Numbers&)> steps;  ///< most of them
  bool asks_programs = false;
};

/// * exact: the exact program's plans under 64 limits on the sum of the scores, each ⁴√2 times the
///   one before, up to what all ops add up to; scores are at least 0
/// * quadratic: plans of the least sum of scores and interactions that gain 1/24, 2/24 and so on of
///   the most that any plan gains
/// * order: an op's format at a time by rising score, ties in IR order (after 2302.05397). A format
///   is left out where the op has one of as few bits already.
const Table<Selection>& selections();

/// The last plan of those that were measured whose quality is at most a threshold, or all-high: the
/// last step is measured first, then steps are halved. Quality need not rise with the steps, so
/// that steps beyond the plan may hold too: `numbers.verify` of them are measured as well. A plan
/// that was not measured is never taken.
struct Bisected {
  Program program;
  Quality quality{};
};
std::optional<Bisected> bisect(const Numbers& numbers, const Ladder& ladder, double threshold,
                               Asking& asking);

/// Plans that a bisection over so many steps measures at most.
std::size_t most_measured(const Numbers& numbers, std::size_t steps);

}  // namespace gainsweep::solve

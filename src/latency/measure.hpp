#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "execute/flush.hpp"
#include "execute/interlude.hpp"
#include "execute/program.hpp"
#include "latency/stopping_rule.hpp"
#include "latency/timings.hpp"

/// Measured times: all configurations of a class of sub-graphs, or a whole plan.
namespace gainsweep::latency {

/// A piece of a model, all-high.
struct Piece {
  execute::Program program;
  const execute::Inputs* inputs = nullptr;
  std::size_t times = 1;  ///< pieces of the model that are like it
};

/// Programs to be timed against each other; the first is the all-high baseline.
struct Contest {
  std::vector<execute::Program> programs;
  std::vector<const execute::Inputs*> inputs;  ///< one per program
  /// What the all-high model is made of, where the programs are a piece of it: its time is the sum
  /// of theirs.
  std::vector<Piece> whole{};
  std::optional<execute::Interlude> interlude{};  ///< before each run
  std::optional<execute::Flush> flush{};          ///< before each run, in place of an interlude
  /// How the card is doing, asked before and after each block; may be none.
  std::function<execute::CardState()> card{};
};

/// Runs the baseline until the medians of its last two windows of runs agree within 2 %, at least
/// `rule.warmup` and at most 5 times as often, then every other program twice. Seconds of the
/// baseline runs.
std::vector<double> warm_up(Contest& contest, const StoppingRule& rule);

/// One round of `blocks` blocks, each a random order of all programs. The order follows from seed
/// and round alone.
Timings measure(Contest& contest, std::int64_t blocks, std::uint64_t seed, std::uint64_t round);

/// Whether the rounds so far are as precise as the rule asks: at least `least_repetitions` blocks,
/// and no interval wider than `rule.precision` (see widest_interval).
bool is_precise(const Timings& timings, const StoppingRule& rule);

/// Whether the rounds so far meet the stopping rule: they are precise, or `repetitions` blocks, or
/// `budget_seconds` spent.
bool finished(const Timings& timings, const StoppingRule& rule);

/// Whether finished rounds that are not precise leave time of `budget_seconds` for one more.
bool may_go_on(const Timings& timings, const StoppingRule& rule);

}  // namespace gainsweep::latency

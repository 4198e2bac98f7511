#pragma once

#include <functional>
#include <string>
#include <vector>

#include "archive/table.hpp"
#include "batch/stage.hpp"
#include "latency/measure.hpp"
#include "pipeline/key.hpp"

/// Programs that are timed against each other (timed_programs.hpp), round by round: configurations
/// of sub-graphs, or a whole plan. A unit is a round.
namespace gainsweep::pipeline {

struct Workbench;

/// Times one round of the contest that is prepared; fields of its record.
batch::Fields run_round(Workbench& bench, std::int64_t round);

/// What a contest is called by.
struct ContestTicket {
  batch::Ticket first;  ///< of its first round, without a key
  std::function<std::string(key::Round)> key;
  std::function<batch::Product(std::int64_t round)> work;
};

/// Rounds of one contest: those stored, and one more while the stopping rule is not met. All are of
/// one host: a contest that another host left unfinished is begun anew.
struct Rounds {
  std::vector<batch::Unit> units;
  std::vector<latency::Timings> timings;  ///< of the finished ones
  std::size_t may_come = 0;
};

/// The rounds of several contests. Once all have met the stopping rule, each that is not precise
/// calls for one round more, within its budget: whatever disturbed it may be over. `others_come`
/// says that further contests are going to be called for before that.
std::vector<Rounds> rounds(Workbench& bench, const batch::Results& results,
                           const std::vector<ContestTicket>& contests, bool others_come = false);

/// Most rounds of one contest, the one behind all others included.
std::int64_t most_rounds(const latency::StoppingRule& rule);

latency::Timings to_timings(const archive::Record& record);

}  // namespace gainsweep::pipeline

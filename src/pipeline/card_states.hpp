#pragma once

#include <string>
#include <vector>

#include "batch/results.hpp"
#include "pipeline/savings.hpp"

/// How the card was doing while times were taken, as fields of records and as users are told.
namespace gainsweep::pipeline {

/// Of the blocks of a round, for its record; none where nobody told.
batch::Fields card_fields(const std::vector<latency::AroundBlock>& blocks);
/// The same back.
std::vector<latency::AroundBlock> card_states(const batch::Fields& fields);

/// Blocks during which the card was held back.
std::int64_t slow_blocks(const latency::Timings& timings);

/// A sentence where there are such blocks.
std::vector<std::string> slow_cards(const std::vector<TimedContest>& contests);

}  // namespace gainsweep::pipeline

#pragma once

#include <string>

#include "archive/table.hpp"
#include "pipeline/experiment.hpp"

namespace gainsweep::cli {

/// An archive's descriptive part, without tables: spec as written and resolved, digests, program,
/// and, as measured, machine, libraries, ranks and times.
archive::Contents describe(const pipeline::Experiment& experiment, const std::string& spec_text,
                           const std::string& started, int num_ranks);

}  // namespace gainsweep::cli

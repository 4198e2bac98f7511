#pragma once

#include <map>
#include <string>

#include "archive/table.hpp"
#include "pipeline/experiment.hpp"

namespace gainsweep::cli {

/// What the archive of a run tells besides tables: spec as written, program, and, as measured,
/// machine, libraries, ranks and times. `experiment` is any of the run's points.
archive::Contents describe(const pipeline::Experiment& experiment, const std::string& spec_text,
                           const std::string& started, int num_ranks);

/// Name and spec of a run as written, and the program that writes its archive.
std::map<std::string, std::string> describe(const std::string& name, const std::string& spec_text);

/// What one point of the run follows from: its resolved spec, digests of model and data.
std::map<std::string, std::string> describe(const pipeline::Experiment& experiment);

/// `spec_resolved` and its digest.
std::map<std::string, std::string> describe(const spec::Spec& spec);

}  // namespace gainsweep::cli

#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "batch/experiment.hpp"
#include "job/job.hpp"
#include "spec/read.hpp"

/// What `run` tells people at its start and end, on the root alone.
namespace gainsweep::cli {

/// What is run, with what, and where it goes.
void tell_start(const spec::Source& source, const std::vector<spec::Point>& points,
                const std::filesystem::path& folder, int num_ranks);

/// How many units each stage calls for, and how many are stored already.
void tell_work(const std::vector<batch::Experiment>& experiments, const batch::Results& stored);

/// How it ended, where the archive is, how long it took, and what comes next.
void tell_end(job::Outcome outcome, const std::filesystem::path& folder,
              std::chrono::steady_clock::time_point start);

}  // namespace gainsweep::cli

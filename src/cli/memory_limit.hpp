#pragma once

#include <cstdint>
#include <string>

#include "batch/experiment.hpp"
#include "spec/spec.hpp"

/// What stages hold of memory beside what their ranks may own.
namespace gainsweep::cli {

/// Bytes that each of the ranks of a machine may own under a spec. Error(environment) where neither
/// it nor the system says.
std::int64_t rank_memory(const spec::Basics& spec, int ranks_of_machine);

/// What this process owns, now and once it works, beside what its stages do: to be asked before any
/// of them does anything.
std::int64_t process_memory();

/// What a stage is going to hold beside `process` bytes: nothing of its own, nothing.
batch::Memory held(const batch::Stage& stage, std::int64_t process);

/// What is wrong where a stage that is going to hold `memory` cannot do with `allowed` bytes in a
/// rank: names the stage, what it needs, and the ways out. Empty where it can.
std::string excess(const std::string& stage, const batch::Memory& memory, std::int64_t allowed);

/// Error(config) for the first stage of an experiment that cannot do with the bytes allowed,
/// `process` among them.
void check_memory(const batch::Experiment& experiment, std::int64_t allowed, std::int64_t process);

/// "1.5 GB": in powers of ten, as specs write them.
std::string gigabytes(std::int64_t bytes);

}  // namespace gainsweep::cli

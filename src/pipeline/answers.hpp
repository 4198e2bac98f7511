#pragma once

#include <cstddef>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/workbench.hpp"

/// What plans say of the requests of tasks: a unit an assignment × a chunk of items.
namespace gainsweep::pipeline {

/// Units of an assignment's answers to a task, in the order of its requests; `place` is the
/// assignment's in the table. The largest magnitudes of activations must have been observed.
std::vector<batch::Unit> answer_units(const Bench& bench, const batch::Results& results,
                                      const Task& task, const Evaluated& plan, std::size_t place);

/// How many units the answers of one assignment to all tasks are.
std::size_t num_answer_units(const Subject& subject);

}  // namespace gainsweep::pipeline

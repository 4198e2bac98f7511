#pragma once

#include <vector>

#include "exported/located.hpp"
#include "exported/program.hpp"

namespace gainsweep::exported {

/// The tensors that a graph takes, joined with its signature in the order of `graph.inputs`:
/// without the inputs that exporting made constants. Error(input) where the two differ, for custom
/// objects, effects and inputs that are numbers.
std::vector<Input> read_inputs(const Located& graph_module);

/// What users get. Error(input) where graph and signature differ, and for outputs that are no
/// user's: what a training step changes.
std::vector<Argument> read_outputs(const Located& graph_module);

}  // namespace gainsweep::exported

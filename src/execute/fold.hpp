#pragma once

#include "execute/state.hpp"

namespace gainsweep::execute {

/// Fills the program's `bound` and `shared`: parameters and constants that its calls read, and
/// nodes that depend on nothing else, evaluated here unless another program of the same parameters
/// already has. A value that only folded nodes read is dropped again. Returns, by node, whether it
/// was folded.
std::vector<bool> fold(Program::State& program, Parameters::State& parameters);

}  // namespace gainsweep::execute

#pragma once

#include "exported/located.hpp"
#include "exported/program.hpp"

namespace gainsweep::exported {

/// Fills a program's nodes, outputs, values, integers and inputs of `graph_module`, and sees that
/// each name is defined once and before it is read. Error(input) for anything else, and for custom
/// objects, effects and outputs that are no user's: what a training step changes.
void read_graph(const Located& graph_module, Program& program);

}  // namespace gainsweep::exported

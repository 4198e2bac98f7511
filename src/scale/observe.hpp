#pragma once

#include <span>
#include <vector>

#include "execute/program.hpp"
#include "graph/graph.hpp"
#include "lower/pass.hpp"

/// Activation scales: the largest magnitudes that calibration samples reach.
namespace gainsweep::scale {

/// Largest magnitude of each activation operand in one sample by [op][operand], 0 for weights.
/// `observed` is the graph of lower::observe for the same ops. Error(input) naming the op when an
/// activation is not finite.
lower::Maxima observe(execute::Program& observed, const execute::Inputs& inputs,
                      const std::vector<graph::Op>& ops);

/// The element-wise maximum over samples; independent of their order. Error(internal) without
/// samples or when their ops differ.
lower::Maxima merge(std::span<const lower::Maxima> samples);

}  // namespace gainsweep::scale

#pragma once

#include <filesystem>

#include "exported/expression.hpp"
#include "exported/program.hpp"
#include "graph/graph.hpp"

namespace gainsweep::exported {

/// A program as a graph without outputs.
struct Translation {
  graph::Graph graph;
  graph::ValueId output;  ///< the program's first one
};

/// The graph of a program at the sizes that its symbols have:
/// * its inputs are the user inputs that something reads; parameters have the names of stored
///   tensors, tied ones that of the first;
/// * operators that work in place become their twins (check_in_place comes before);
/// * what gives its input back is left out, and so are checks and sizes;
/// * batch norms are folded into the convolution before them where nothing else reads it
///   (`gainsweep::fold_norm_weight`, `gainsweep::fold_norm_bias`);
/// * attention is two products around a softmax;
/// * products with a matrix of parameters are linear layers;
/// * finite numbers beyond bf16's range, of masks, are its largest.
/// Ops have paths of their own: that of their module, with `.qk` and `.av` for the products of an
/// attention, `.matmul` for others, numbered where there are several. Error(input) naming the node
/// for what is not supported.
Translation translate(const Program& program, const Symbols& symbols,
                      const std::filesystem::path& file);

}  // namespace gainsweep::exported

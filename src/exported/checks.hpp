#pragma once

#include <filesystem>

#include "exported/program.hpp"

namespace gainsweep::exported {

/// Error(input) naming the node for a model in training mode, for nodes that write into weights,
/// buffers or inputs of the model, and for what default decompositions leave: linear layers as
/// `addmm`, convolutions as `convolution`.
void check_is_inference(const Program& program, const std::filesystem::path& file);

/// Error(input) naming the tensor where the stored one is missing or not of the type and sizes that
/// the graph says.
void check_stored(const Program& program, const std::filesystem::path& file);

}  // namespace gainsweep::exported

#pragma once

#include <filesystem>

#include "exported/program.hpp"

namespace gainsweep::exported {

/// Error(input) naming the node for one that works in place where its twin that works on a copy
/// would give other numbers: something reads the overwritten tensor, or a view of it, later on, or
/// it is a view of an input, a weight or a buffer. Unknown operators are taken to give new tensors.
void check_in_place(const Program& program, const std::filesystem::path& file);

}  // namespace gainsweep::exported

#pragma once

#include <string>
#include <vector>

#include "exported/program.hpp"

namespace gainsweep::exported {

/// Names of the tensors in an argument or result, those of lists included.
std::vector<std::string> tensors_in(const Argument& argument);

/// Names of the tensors that a node reads, in the order of its arguments.
std::vector<std::string> tensors_read(const Node& node);

/// Names of the tensors that it gives.
std::vector<std::string> tensors_given(const Node& node);

/// "node 'add_' (aten::add_.Tensor) of the module 'layer1.0'"
std::string described(const Node& node);

}  // namespace gainsweep::exported

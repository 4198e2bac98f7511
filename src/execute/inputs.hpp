#pragma once

#include <span>

#include "execute/program.hpp"

namespace gainsweep::execute {

/// All tensors of several inputs, in their order.
Inputs joined(std::span<const Inputs> parts);

}  // namespace gainsweep::execute

#pragma once

#include <string>

namespace simulated_hpu {

/// Whether the bridge has a kernel for an operator, overloads aside: as far as a decoder, a
/// convolutional network, their gradients and the project's own rounding need them, out of the
/// bridge's own list of release 1.19.
bool has_kernel(const std::string& name);

}  // namespace simulated_hpu

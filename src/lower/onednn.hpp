#pragma once

#include "lower/target.hpp"

namespace gainsweep::lower {

/// Processors through oneDNN: int8 linear layers over weights packed ahead, int8 products of two
/// activations; everything else stays high.
Target onednn_target();

}  // namespace gainsweep::lower

#pragma once

#include "lower/target.hpp"

namespace gainsweep::lower {

/// A Gaudi 2 through the operators of its bridge: fp8 linear layers and matrix products, whose
/// static scales are constants of the program; everything else stays high.
Target gaudi2_target();

}  // namespace gainsweep::lower

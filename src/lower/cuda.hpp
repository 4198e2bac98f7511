#pragma once

#include "lower/target.hpp"

namespace gainsweep::lower {

/// NVIDIA cards through LibTorch's own operators: fp8_e4m3 linear layers by `aten::_scaled_mm`,
/// with or without fast accumulation, int8 ones by `aten::_int_mm`; everything else stays high.
Target cuda_target(const char* name, bool fast_accumulation);

}  // namespace gainsweep::lower

#pragma once

#include "execute/device.hpp"

namespace gainsweep::execute {

/// An NVIDIA card through LibTorch's CUDA library; one a rank.
Device cuda_device();

}  // namespace gainsweep::execute

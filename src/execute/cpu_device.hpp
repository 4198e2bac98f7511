#pragma once

#include "execute/device.hpp"

namespace gainsweep::execute {

/// The processor, through oneDNN.
Device cpu_device();

}  // namespace gainsweep::execute

#pragma once

#include "execute/device.hpp"

namespace gainsweep::execute {

/// A Gaudi through Intel's bridge; one a rank.
Device hpu_device();

}  // namespace gainsweep::execute

#pragma once

#include <c10/core/Allocator.h>

namespace simulated_hpu {

/// The card's memory, which is the host's.
c10::Allocator& memory();

}  // namespace simulated_hpu

#pragma once

#include <functional>

namespace gainsweep::execute {

/// Work that a device has captured: the same kernels on the same memory, started at once. Freed
/// with the last copy.
struct Captured {
  std::function<void()> replay;
};

}  // namespace gainsweep::execute

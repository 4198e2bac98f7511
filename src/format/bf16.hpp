#pragma once

#include <cstdint>

namespace gainsweep::format {

/// bfloat16 as its 16 bits, for spans over a model's own storage.
struct Bf16 {
  std::uint16_t bits;
};

}  // namespace gainsweep::format

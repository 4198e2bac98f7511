#pragma once

#include <cstdint>
#include <string>

#include "config/key.hpp"

namespace gainsweep::spec {

/// Seeds go up to it: JSON has no integers of 64 bits.
inline constexpr std::int64_t largest_exact_json_integer = (std::int64_t{1} << 53) - 1;

/// What experiments of all kinds have.
struct Basics {
  std::string name;
  std::string device = "cpu";  ///< a row of execute::devices()
  std::int64_t threads = 1;
  std::int64_t seed = 0;
};

/// Their keys, bound to `basics`.
config::Section describe(Basics& basics);

}  // namespace gainsweep::spec

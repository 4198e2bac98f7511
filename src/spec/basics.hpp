#pragma once

#include <cstdint>
#include <string>

#include "config/key.hpp"
#include "execute/cuda_settings.hpp"
#include "execute/hpu_settings.hpp"

namespace gainsweep::spec {

/// Seeds go up to it: JSON has no integers of 64 bits.
inline constexpr std::int64_t largest_exact_json_integer = (std::int64_t{1} << 53) - 1;

/// What experiments of all kinds have.
struct Basics {
  std::string name;
  std::string device = "cpu";  ///< a row of execute::devices()
  std::int64_t threads = 1;
  std::int64_t seed = 0;
  execute::CudaSettings cuda{};
  execute::HpuSettings hpu{};
  double memory_limit = 0;  ///< GB; see node_memory
};

/// Bytes that the ranks of a machine may own together: `memory_limit`, or the part of `machine`,
/// the bytes that are there, that is taken where it is 0. Mapped files are not counted.
std::int64_t node_memory(const Basics& basics, std::int64_t machine);

/// Their keys, bound to `basics`.
config::Section describe(Basics& basics);

}  // namespace gainsweep::spec

#pragma once

#include "format/lanes.hpp"
#include "format/lanes_blocks.hpp"

namespace gainsweep::format {
namespace {

template <class T, int Bytes, class Division>
constexpr Kernels<T> make_kernels() {
  using Whole = Lanes<T, Bytes, Division>;
  using InBlocks = Blocks<T, Bytes>;
  return {Whole::round,    Whole::largest,         Whole::probe,
          Whole::quantize, InBlocks::round_blocks, InBlocks::probe_blocks};
}

/// The table of a variant whose registers hold `Bytes` bytes and which divides fp32 by `Division`.
template <int Bytes, class Division>
constexpr Variant make_variant(const char* name) {
  return {name, make_kernels<float, Bytes, Division>(), make_kernels<double, Bytes, TrueDivision>(),
          make_kernels<Bf16, Bytes, Division>()};
}

}  // namespace
}  // namespace gainsweep::format

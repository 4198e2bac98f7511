#pragma once

#include <type_traits>

#include "format/variant.hpp"

namespace gainsweep::format {

/// A variant's kernels for spans of T.
template <class T>
const Kernels<T>& kernels_of(const Variant& variant) {
  if constexpr (std::is_same_v<T, float>) {
    return variant.for_float;
  } else if constexpr (std::is_same_v<T, double>) {
    return variant.for_double;
  } else {
    return variant.for_bf16;
  }
}

/// Those that are the fastest here.
template <class T>
const Kernels<T>& fastest() {
  return kernels_of<T>(*variants().front());
}

}  // namespace gainsweep::format

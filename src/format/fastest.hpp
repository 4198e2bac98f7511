#pragma once

#include <type_traits>

#include "format/variant.hpp"

namespace gainsweep::format {

/// The kernels for spans of T that are the fastest here.
template <class T>
const Kernels<T>& fastest() {
  const Variant& variant = *variants().front();
  if constexpr (std::is_same_v<T, float>) {
    return variant.for_float;
  } else if constexpr (std::is_same_v<T, double>) {
    return variant.for_double;
  } else {
    return variant.for_bf16;
  }
}

}  // namespace gainsweep::format

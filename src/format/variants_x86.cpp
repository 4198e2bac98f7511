#include <vector>

#include "format/variant.hpp"

namespace gainsweep::format {
namespace {

std::vector<const Variant*> runnable() {
  std::vector<const Variant*> result;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    result.push_back(&avx512_variant);
  }
  if (__builtin_cpu_supports("avx2")) result.push_back(&avx2_variant);
  result.push_back(&generic_variant);
  return result;
}

}  // namespace

std::span<const Variant* const> variants() {
  static const std::vector<const Variant*> result = runnable();
  return result;
}

}  // namespace gainsweep::format

#include "format/variant.hpp"

namespace gainsweep::format {

std::span<const Variant* const> variants() {
  static constexpr const Variant* result[] = {&generic_variant};
  return result;
}

}  // namespace gainsweep::format

#include "format/make_variant.hpp"

namespace gainsweep::format {

constinit const Variant avx2_variant = make_variant<32, TrueDivision>("avx2");

}  // namespace gainsweep::format

#include "format/make_variant.hpp"

namespace gainsweep::format {

constinit const Variant generic_variant = make_variant<16, TrueDivision>("generic");

}  // namespace gainsweep::format

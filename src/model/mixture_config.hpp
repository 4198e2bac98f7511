#pragma once

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// Makes all layers of a decoder mixtures of a config.json's experts, whose size `size_key` has.
/// Error(input) for what is missing, ill-typed or does not fit.
void read_mixture(const ConfigKeys& keys, const char* size_key, Decoder& decoder);

}  // namespace gainsweep::model

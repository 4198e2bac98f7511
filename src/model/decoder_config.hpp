#pragma once

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// What configurations of decoder families have in common: sizes, tied weights, rotary embedding.
/// Error(input) for anything missing, ill-typed, inconsistent or not supported, quantised weights
/// included.
Decoder read_decoder(const ConfigKeys& keys);

}  // namespace gainsweep::model

#pragma once

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// Reads a config.json's rotary position embedding into a decoder whose sizes are known: its
/// `rope`, how much of a head turns (in families that turn `parts`), `longest` where that is
/// stretched, and a note about keys that its type does not have.
/// The parameters stand in `rope_scaling` or, where that is empty, `rope_parameters`; the type's
/// key is `rope_type` or, in old files, `type`. Error(input) for an unknown type or wrong numbers.
void read_rope(const ConfigKeys& keys, Decoder& decoder, bool parts);

/// The rotary embedding that an object of that name describes, for a family with several; `theta`
/// where it has none.
Rope read_rope_of(const ConfigKeys& keys, const std::string& name, const nlohmann::json& object,
                  double theta, Decoder& decoder);

}  // namespace gainsweep::model

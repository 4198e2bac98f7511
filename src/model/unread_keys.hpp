#pragma once

#include "model/config_keys.hpp"
#include "model/decoder.hpp"

namespace gainsweep::model {

/// Adds to a decoder's `unread_keys` those keys of its config.json that its family did not look up
/// and that say something, after all that it reads was read: keys about training, text generation
/// and files say nothing about the function. Error(input) for a key that changes the function in
/// other families, unless its value leaves it as it is (a multiplier of 1, say).
void judge_unread_keys(const ConfigKeys& keys, Decoder& decoder);

}  // namespace gainsweep::model

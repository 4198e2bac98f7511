#pragma once

#include "model/decoder.hpp"

namespace gainsweep::model {

/// One layer with grouped keys, untied.
inline Decoder small_decoder() {
  Decoder decoder;
  decoder.family = "llama";
  decoder.hidden = 24;
  decoder.intermediate = 40;
  decoder.layers = 1;
  decoder.heads = 6;
  decoder.key_value_heads = 2;
  decoder.head_size = 4;
  decoder.vocabulary = 50;
  decoder.longest = 16;
  return decoder;
}

}  // namespace gainsweep::model

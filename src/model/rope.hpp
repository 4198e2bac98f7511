#pragma once

#include <cstdint>
#include <vector>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// Angles per position of each of the D/2 rotated pairs: θ^(−2i/D), with Llama 3's stretching of
/// long wavelengths when the decoder asks for it: wavelengths above original_length/low are
/// stretched by `factor`, those below original_length/high are kept, and between them the two are
/// blended linearly in original_length/wavelength.
std::vector<double> rope_frequencies(const Decoder& decoder);

/// cos and sin of position × frequency, row-major [length, D/2], computed in double.
struct RopeTable {
  std::vector<double> cos;
  std::vector<double> sin;
};
RopeTable rope_table(const Decoder& decoder, std::int64_t length);

}  // namespace gainsweep::model

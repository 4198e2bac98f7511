#pragma once

#include <cstddef>

#include "archive/foreign_data.hpp"
#include "archive/samples.hpp"

/// Samples as they go through a decoder's pipe.
namespace gainsweep::archive {

inline constexpr std::size_t num_sample_arrays = 4;
inline constexpr std::size_t num_sample_texts = 1;
inline constexpr std::size_t num_sample_reals = 1;

Decoded to_decoded(SampleRows samples);
/// Of what `to_decoded` makes.
SampleRows to_samples(Decoded decoded);

}  // namespace gainsweep::archive

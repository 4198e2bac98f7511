#pragma once

#include <cstddef>

#include "archive/foreign_data.hpp"
#include "archive/items.hpp"

/// Items as they go through a decoder's pipe.
namespace gainsweep::archive {

inline constexpr std::size_t num_item_arrays = 12;
inline constexpr std::size_t num_item_texts = 6;

Decoded to_decoded(const Items& items);
/// Of as many arrays and texts as `to_decoded` makes.
Items to_items(Decoded decoded);

}  // namespace gainsweep::archive

#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/subject.hpp"

namespace gainsweep::pipeline {

/// Bytes that plans which are run may keep, beyond the least that they need. No number depends on
/// them.
struct Room {
  std::size_t weights = 0;  ///< converted and rounded, for the plans that come next
  std::size_t values = 0;   ///< handed on from segment to segment
  std::size_t scores = 0;   ///< what all-high says of samples
};

/// Samples whose anchors are run together, at most: what a killed rank may lose.
inline constexpr std::size_t most_anchors_together = 4;

Room evaluation_room(const Subject& subject);
Room anchor_room(const Subject& subject);

/// What evaluation and anchors own at most: the hungriest segment with its weights as they are and
/// rounded, and what there is room to keep.
std::int64_t evaluation_bytes(const Subject& subject);
std::int64_t anchor_bytes(const Subject& subject);

}  // namespace gainsweep::pipeline

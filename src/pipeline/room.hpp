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
/// For the requests of tasks.
Room answer_room(const Subject& subject);
Room anchor_room(const Subject& subject);

/// Samples of a batch that plans take through the segments at once.
std::size_t samples_at_once(const Subject& subject, const Room& room, std::size_t plans);
/// Which part there is room for of the weights of all formats.
double part_kept(const Subject& subject, const Room& room);
/// Whether what all-high says of the spec's evaluation samples is kept.
bool keeps_scores(const Subject& subject, const Room& room);

/// What evaluation and anchors own at most: the hungriest segment with its weights as they are and
/// rounded, and what there is room to keep.
std::int64_t evaluation_bytes(const Subject& subject);
std::int64_t anchor_bytes(const Subject& subject);

}  // namespace gainsweep::pipeline

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/subject.hpp"

namespace gainsweep::pipeline {

/// Tables of losses: of the spec's plans, and of those that strategies measure while they search.
inline constexpr const char* evaluation_table = "evaluations/losses";
inline constexpr const char* search_table = "evaluations/search";
/// And of a few of the spec's plans at the next larger static scales.
inline constexpr const char* floor_table = "evaluations/floor";

/// Samples that plans are measured on, cut into the chunks that units take.
struct LossSet {
  /// Consecutive samples.
  struct Chunk {
    std::size_t first = 0;
    std::size_t size = 0;
    std::string digest;  ///< of the samples
  };

  /// Chunks of `size` samples, which divides their number; of all of them where it is 0.
  LossSet(std::string table, std::shared_ptr<const Samples> samples, std::int64_t size);

  std::string table;  ///< that the losses go to
  std::shared_ptr<const Samples> samples;
  std::vector<Chunk> chunks;
};

}  // namespace gainsweep::pipeline

#pragma once

#include "base/words.hpp"

namespace gainsweep::execute {

/// What a card's last cache holds when a timed run begins.
enum class CudaCache {
  warm,     ///< what the run before has left
  flushed,  ///< nothing of it
};

constexpr auto words(CudaCache) {
  return std::to_array<Word<CudaCache>>(
      {{CudaCache::warm, "warm"}, {CudaCache::flushed, "flushed"}});
}

/// How the card of a process is driven.
struct CudaSettings {
  /// Whether sums of fp8 products may be kept in fewer bits than fp32 has: faster on some cards.
  bool fast_accumulation = false;
  bool graph = false;  ///< whether timed runs are captured, and replayed as one
  CudaCache l2 = CudaCache::warm;
};

/// How this process drives its card; before the device `cuda` is loaded.
void drive_cuda(const CudaSettings& settings);

}  // namespace gainsweep::execute

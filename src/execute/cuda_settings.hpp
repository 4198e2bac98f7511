#pragma once

namespace gainsweep::execute {

/// How the card of a process is driven.
struct CudaSettings {
  /// Whether sums of fp8 products may be kept in fewer bits than fp32 has: faster on some cards.
  bool fast_accumulation = false;
};

/// How this process drives its card; before the device `cuda` is loaded.
void drive_cuda(const CudaSettings& settings);

}  // namespace gainsweep::execute

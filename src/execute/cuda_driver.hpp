#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// What CUDA's driver and runtime tell of themselves and of cards, asked without their headers.
namespace gainsweep::execute {

/// A card that the driver shows to this process.
struct CudaCard {
  std::string name{};     ///< "NVIDIA H100 80GB HBM3"
  std::string id{};       ///< "GPU-" and its UUID: the same in all processes
  std::string address{};  ///< on the PCI bus; empty where it is not told
  int major = 0;          ///< of its compute capability
  int minor = 0;
  std::size_t cache_bytes = 0;  ///< of its last cache
};

/// In the driver's order, which is LibTorch's; none without a driver.
std::vector<CudaCard> cuda_cards();

/// The CUDA version that the driver is for ("13.0"); empty without a driver.
std::string cuda_driver_version();

/// The version of the CUDA runtime that LibTorch has opened ("13.0"); empty where it has opened
/// none.
std::string cuda_runtime_version();

}  // namespace gainsweep::execute

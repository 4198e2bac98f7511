#include <ATen/detail/CUDAHooksInterface.h>

#include "simulated_hpu/card.hpp"

namespace simulated_cuda {

struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs /*arguments*/) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return true; }
  at::Device getDeviceFromPtr(void* /*data*/) const override { return simulated_hpu::place; }
};

}  // namespace simulated_cuda

// LibTorch looks hooks up under this very name.
namespace at {
namespace {

const bool registered = [] {
  CUDAHooksRegistry()->Register("CUDAHooks", [](CUDAHooksArgs arguments) {
    return std::make_unique<simulated_cuda::Hooks>(arguments);
  });
  return true;
}();

}  // namespace
}  // namespace at

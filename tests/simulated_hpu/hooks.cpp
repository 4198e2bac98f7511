#include <ATen/detail/HPUHooksInterface.h>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {

struct Hooks final : at::HPUHooksInterface {
  explicit Hooks(at::HPUHooksArgs /*arguments*/) {}
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return card().acquired(); }
  at::Device getDeviceFromPtr(void* /*data*/) const override { return place; }
};

}  // namespace simulated_hpu

// LibTorch looks hooks up under this very name; under another one it never finds them, and
// everything under autograd fails. SIMULATED_HPU_WITHOUT_HOOKS is for tests of that.
namespace at {
namespace {

const bool registered = [] {
  if (std::getenv("SIMULATED_HPU_WITHOUT_HOOKS") != nullptr) return false;
  HPUHooksRegistry()->Register("HPUHooks", [](HPUHooksArgs arguments) {
    return std::make_unique<simulated_hpu::Hooks>(arguments);
  });
  return true;
}();

}  // namespace
}  // namespace at

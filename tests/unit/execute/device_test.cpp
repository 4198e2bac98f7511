// LibTorch's own fake device stands for CUDA here: a program of its own, because autograd starts a
// thread for each device that a process has.

#include <c10/core/impl/FakeGuardImpl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "execute/state.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

using FakeCuda = c10::impl::FakeGuardImpl<at::kCUDA>;
using FakeGaudi = c10::impl::FakeGuardImpl<at::kHPU>;
C10_REGISTER_GUARD_IMPL(CUDA, FakeCuda);
C10_REGISTER_GUARD_IMPL(HPU, FakeGaudi);

using Names = std::vector<std::string>;
const Names eight{"0", "1", "2", "3", "4", "5", "6", "7"};

class Device : public testing::Test {
 protected:
  Device() { clear(); }
  ~Device() override { clear(); }

  static void clear() {
    for (const auto* name : {"CUDA_VISIBLE_DEVICES", "HABANA_VISIBLE_MODULES", "HLS_MODULE_ID"})
      unsetenv(name);
    FakeCuda::setDeviceIndex(0);
  }
};

TEST_F(Device, OfACpuIsOne) {
  EXPECT_EQ(visible_devices(execute::Device::cpu), Names{"0"});
  EXPECT_EQ(to_device(execute::Device::cpu), at::Device(at::kCPU));
}

TEST_F(Device, NamesAreNumbersOrTheLaunchers) {
  EXPECT_EQ(visible_devices(execute::Device::cuda), eight);
  setenv("CUDA_VISIBLE_DEVICES", "7,6,5,4,3,2,1,GPU-0a", 1);
  EXPECT_EQ(visible_devices(execute::Device::cuda),
            (Names{"7", "6", "5", "4", "3", "2", "1", "GPU-0a"}));
  setenv("CUDA_VISIBLE_DEVICES", "1,2", 1);
  EXPECT_EQ(visible_devices(execute::Device::cuda), eight) << "LibTorch does not heed the list";
}

TEST_F(Device, GaudiNamesAreModules) {
  EXPECT_EQ(visible_devices(execute::Device::hpu), eight);
  setenv("HABANA_VISIBLE_MODULES", "4,5", 1);
  EXPECT_EQ(visible_devices(execute::Device::hpu), (Names{"4", "5"}));
  setenv("HLS_MODULE_ID", "5", 1);
  EXPECT_EQ(visible_devices(execute::Device::hpu), Names{"5"});
}

TEST_F(Device, IsWhatStartWasTold) {
  start(execute::Device::cuda, 1, 3);
  EXPECT_EQ(FakeCuda::getDeviceIndex(), 3);
  EXPECT_EQ(to_device(execute::Device::cuda), at::Device(at::kCUDA, 3));
}

TEST_F(Device, OfAGaudiIsTheProcessesOnlyOne) {
  setenv("HABANA_VISIBLE_MODULES", "4,5", 1);
  start(execute::Device::hpu, 1, 1);
  EXPECT_STREQ(std::getenv("HLS_MODULE_ID"), "5");
  EXPECT_EQ(to_device(execute::Device::hpu), at::Device(at::kHPU, 0));
}

TEST_F(Device, ThatIsNotThereIsAnError) {
  EXPECT_THAT([] { start(execute::Device::cuda, 1, 8); },
              throws(ErrorKind::internal, "there is no cuda device 8"));
  EXPECT_EQ(FakeCuda::getDeviceIndex(), 0);
}

}  // namespace
}  // namespace gainsweep::execute

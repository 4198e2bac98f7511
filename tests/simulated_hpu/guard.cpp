// The guard: what the bridge has, and nothing else. It has no synchronizeDevice, synchronizeStream
// or queryStream: the base class throws.

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {
namespace {

struct Moment {
  Clock::time_point at;
};

void check_index(c10::Device device) {
  TORCH_CHECK(device.index() <= 0, "habana active device: ", device.index(), " != 0");
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_devType = c10::DeviceType::SIMULATED_DEVICE;
  c10::DeviceType type() const override { return c10::DeviceType::SIMULATED_DEVICE; }
  c10::Device exchangeDevice(c10::Device device) const override {
    check_index(device);
    return getDevice();
  }
  c10::Device getDevice() const override {
    card().acquire();
    return place;
  }
  void setDevice(c10::Device device) const override {
    if (card().acquired()) check_index(device);
  }
  void uncheckedSetDevice(c10::Device /*device*/) const noexcept override {}
  c10::Stream getStream(c10::Device /*device*/) const override {
    return c10::Stream(c10::Stream::DEFAULT, place);
  }
  c10::Stream getNewStream(c10::Device /*device*/, int /*priority*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, place, 1);
  }
  c10::Stream exchangeStream(c10::Stream /*stream*/) const override { return getStream(place); }
  /// Says nothing about how many cards the node has.
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }

  /// The step marker of a lazy graph.
  void record(void** event, const c10::Stream& /*stream*/, c10::DeviceIndex /*index*/,
              c10::EventFlag /*flag*/) const override {
    const auto done = card().step();
    if (*event == nullptr) *event = new Moment;
    static_cast<Moment*>(*event)->at = std::max(done, Clock::now());
  }
  void block(void* /*event*/, const c10::Stream& /*stream*/) const override {}
  bool queryEvent(void* event) const override {
    return event == nullptr || Clock::now() >= static_cast<Moment*>(event)->at;
  }
  void synchronizeEvent(void* event) const override {
    if (event != nullptr) Card::wait(static_cast<Moment*>(event)->at);
  }
  double elapsedTime(void* first, void* second, c10::DeviceIndex /*index*/) const override {
    TORCH_CHECK(queryEvent(second), "simulated HPU: the second event has not happened yet");
    const std::chrono::duration<double, std::milli> time =
        static_cast<Moment*>(second)->at - static_cast<Moment*>(first)->at;
    return time.count();
  }
  void destroyEvent(void* event, c10::DeviceIndex /*index*/) const noexcept override {
    delete static_cast<Moment*>(event);
  }
};
C10_REGISTER_GUARD_IMPL(SIMULATED_DEVICE, Guard)

}  // namespace
}  // namespace simulated_hpu

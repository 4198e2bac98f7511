#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

// Which Gaudi card a process takes is said by this variable, before the first use of any.
constexpr const char* gaudi_card = "HLS_MODULE_ID";

at::DeviceType type_of(Device device) {
  switch (device) {
    case Device::cpu:
      return at::kCPU;
    case Device::cuda:
      return at::kCUDA;
    case Device::hpu:
      return at::kHPU;
  }
  throw Error(ErrorKind::internal, "unknown device");
}

/// How many devices LibTorch finds. Error(environment) when there is none.
std::size_t count_devices(Device device) {
  const auto type = type_of(device);
  const bool known = c10::impl::hasDeviceGuardImpl(type);
  const auto count = known ? c10::impl::getDeviceGuardImpl(type)->deviceCount() : 0;
  if (count > 0) return static_cast<std::size_t>(count);
  throw Error(ErrorKind::environment,
              std::string("device ") + spelling(device) + " is not here (" +
                  (known ? "LibTorch finds none" : "this LibTorch was built without it") +
                  "). Use a machine that has one, or device: cpu");
}

/// The items of a comma-separated environment variable; none when it is not set.
std::vector<std::string> listed(const char* variable) {
  const char* value = std::getenv(variable);
  return split(value == nullptr ? "" : value, ',');
}

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace

std::vector<std::string> visible_devices(Device device) {
  if (device == Device::cpu) return {"0"};
  const auto count = count_devices(device);
  if (device == Device::cuda) {
    const auto names = listed("CUDA_VISIBLE_DEVICES");
    return names.size() == count ? names : numbered(count);
  }
  for (const auto* variable : {gaudi_card, "HABANA_VISIBLE_MODULES"})
    if (const auto names = listed(variable); !names.empty()) return names;
  return numbered(count);
}

void take_device(Device device, std::size_t index) {
  if (device == Device::cpu) return;
  const auto names = visible_devices(device);
  if (index >= names.size())
    throw Error(ErrorKind::internal, std::string("there is no ") + spelling(device) + " device " +
                                         std::to_string(index));
  if (device == Device::hpu) {
    ::setenv(gaudi_card, names[index].c_str(), /*overwrite=*/1);
    return;
  }
  const auto type = type_of(device);
  c10::impl::getDeviceGuardImpl(type)->setDevice({type, static_cast<at::DeviceIndex>(index)});
}

at::Device to_device(Device device) {
  if (device == Device::cpu) return at::kCPU;
  // The current one: what take_device chose, and on a Gaudi the process's only one.
  return c10::impl::getDeviceGuardImpl(type_of(device))->getDevice();
}

}  // namespace gainsweep::execute

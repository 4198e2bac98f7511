#include "execute/device.hpp"

#include <c10/util/Exception.h>

#include <map>

#include "base/error.hpp"
#include "execute/cpu_device.hpp"
#include "execute/cuda_device.hpp"
#include "execute/hpu_device.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {

Table<Device>& devices() {
  static Table<Device> table{cpu_device(), cuda_device(), hpu_device()};
  return table;
}

std::vector<std::pair<std::string, std::string>> parts(const Identity& identity) {
  std::vector<std::pair<std::string, std::string>> all{
      {"card", identity.card}, {"software", identity.software}, {"mode", identity.mode}};
  std::erase_if(all, [](const auto& part) { return part.second.empty(); });
  return all;
}

const Device& stand_in(const Device& device) {
  if (device.shared_by_ranks) return device;
  static std::map<std::string, Device> known;
  const auto [found, is_new] = known.try_emplace(device.name, cpu_device());
  if (!is_new) return found->second;
  auto& other = found->second;
  other.name = device.name;
  other.target = device.target;
  other.identity = [] { return Identity{.mode = "not looked for"}; };
  other.notes = [] { return std::vector<std::string>{}; };
  other.lacks = [](graph::OpKind, const format::Format&) { return std::string(); };
  other.kernels = [](const LinearShape&, Precision) { return std::vector<std::string>{}; };
  other.convolution_kernels = Device{}.convolution_kernels;
  return other;
}

void load(const Device& device) {
  const auto missing = device.missing();
  if (!missing.empty())
    throw Error(ErrorKind::environment, "device " + device.name + " is not here (" + missing +
                                            "). Use a machine that has it, or device: cpu");
  device.load();
}

at::Device to_place(const Device& device) {
  return at::Device(device.place());
}

std::string missing_kernels(const Device& device, Precision high) {
  try {
    device.kernels({.rows = 32, .inputs = 256, .outputs = 256}, high);
    return "";
  } catch (const Error& error) {
    return error.what();
  } catch (const c10::Error& error) {
    const std::string why = error.what_without_backtrace();
    return "device " + device.name + " has no kernels of linear layers in " + spelling(high) +
           " (" + why.substr(0, why.find('\n')) + ")";
  }
}

}  // namespace gainsweep::execute

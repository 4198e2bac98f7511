#include "execute/cpu_device.hpp"

#include "execute/kernels.hpp"

namespace gainsweep::execute {
namespace {

std::vector<std::string> cpu_kernels(const LinearShape& shape, Precision high) {
  const auto used = linear_kernels(shape, high);
  std::vector<std::string> kernels{"int8 " + used.int8};
  if (high == Precision::bf16) kernels.push_back("bf16 " + used.high);
  return kernels;
}

}  // namespace

Device cpu_device() {
  return {.name = "cpu",
          .target = "onednn",
          .missing = [] { return std::string(); },
          .load = [] {},
          .visible = [] { return std::vector<std::string>{"0"}; },
          .take = [](std::size_t) {},
          .place = [] { return std::string("cpu"); },
          .identity = [] { return Identity{}; },
          // A call returns when its work is done.
          .record = [] { return Event{[] {}}; },
          .kernels = cpu_kernels,
          .notes = [] { return std::vector<std::string>{}; },
          .fused_probes = true,
          .shared_by_ranks = true};
}

}  // namespace gainsweep::execute

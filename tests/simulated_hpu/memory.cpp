#include "simulated_hpu/memory.hpp"

#include <c10/core/CPUAllocator.h>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {
namespace {

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(std::size_t size) override {
    card().acquire();
    auto host = c10::GetCPUAllocator()->allocate(size);
    auto* data = host.get();
    auto* context = host.release_context();
    return {data, context, host.get_deleter(), place};
  }
  c10::DeleterFnPtr raw_deleter() const override { return c10::GetCPUAllocator()->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};
Memory the_memory;
REGISTER_ALLOCATOR(c10::DeviceType::SIMULATED_DEVICE, &the_memory)

}  // namespace

c10::Allocator& memory() {
  return the_memory;
}

}  // namespace simulated_hpu

#include "simulated_hpu/calls.hpp"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace simulated_hpu {

std::vector<c10::IValue> call(const char* name, const char* overload,
                              std::vector<c10::IValue> stack) {
  c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).callBoxed(stack);
  return stack;
}

std::int64_t count(const char* what) {
  return call("simulated_hpu::count", "", {std::string(what)})[0].toInt();
}

void finish() {
  c10::Event event(at::kHPU, c10::EventFlag::BACKEND_DEFAULT);
  event.record(c10::impl::VirtualGuardImpl(at::kHPU).getStream(card));
  event.synchronize();
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "";
}

}  // namespace simulated_hpu

#include "execute/flush.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>

#include "execute/state.hpp"

namespace gainsweep::execute {

struct Flush::State {
  at::Tensor written;
};

Flush::Flush(const Device& device, std::size_t bytes) : state_(std::make_unique<State>()) {
  const c10::InferenceMode inference;
  const auto count = static_cast<std::int64_t>(bytes / sizeof(float));
  state_->written = at::empty({count}, at::device(to_place(device)).dtype(at::kFloat));
}
Flush::Flush(Flush&&) noexcept = default;
Flush& Flush::operator=(Flush&&) noexcept = default;
Flush::~Flush() = default;

void Flush::play() {
  const c10::InferenceMode inference;
  state_->written.zero_();
}

}  // namespace gainsweep::execute

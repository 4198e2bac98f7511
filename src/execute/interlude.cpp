#include "execute/interlude.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include "execute/state.hpp"

namespace gainsweep::execute {

struct Interlude::State {
  at::Tensor passing;
};

Interlude::Interlude(const Device& device, std::size_t bytes) : state_(std::make_unique<State>()) {
  const c10::InferenceMode inference;
  const auto count = static_cast<std::int64_t>(bytes / sizeof(float));
  state_->passing = at::zeros({count}, at::device(at::Device(device.place())).dtype(at::kFloat));
}
Interlude::Interlude(Interlude&&) noexcept = default;
Interlude& Interlude::operator=(Interlude&&) noexcept = default;
Interlude::~Interlude() = default;

void Interlude::play(const Inputs& next) {
  const c10::InferenceMode inference;
  state_->passing.sum();  // read, not written: no line has to go back to memory later
  for (const auto& tensor : next.state().tensors) tensor.sum();
}

}  // namespace gainsweep::execute

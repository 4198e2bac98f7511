#include <ATen/ops/tensor.h>

#include "base/error.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor to_tensor(const std::vector<std::int64_t>& ids, const graph::Value& value,
                     const Batch& batch, at::Device device) {
  const graph::Shape shape{batch.batch, batch.length};
  if (ids.size() != static_cast<std::size_t>(graph::num_elements(shape))) {
    throw Error(ErrorKind::input, "input " + value.name + " is given " +
                                      std::to_string(ids.size()) + " ids (a batch of " +
                                      std::to_string(batch.batch) + " x " +
                                      std::to_string(batch.length) + " has " +
                                      std::to_string(graph::num_elements(shape)) + ")");
  }
  if (shape != value.shape) {
    throw Error(ErrorKind::input, "a batch of " + std::to_string(batch.batch) + " x " +
                                      std::to_string(batch.length) + " does not fit input " +
                                      value.name +
                                      " (the graph was built for another batch or length)");
  }
  return at::tensor(ids, at::kLong).view(shape).to(device);
}

}  // namespace

Inputs::Inputs(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inputs::Inputs(Inputs&&) noexcept = default;
Inputs& Inputs::operator=(Inputs&&) noexcept = default;
Inputs::~Inputs() = default;

Inputs make_inputs(const graph::Graph& graph, const Batch& batch, Device device) {
  if (graph.inputs.empty() || graph.inputs.size() > 2) {
    throw Error(ErrorKind::internal, "graph " + graph.name + " takes " +
                                         std::to_string(graph.inputs.size()) +
                                         " inputs (a model takes tokens and perhaps labels)");
  }
  auto state = std::make_unique<Inputs::State>();
  const auto place = to_device(device);
  state->tensors.push_back(to_tensor(batch.tokens, graph.value(graph.inputs[0]), batch, place));
  if (graph.inputs.size() == 2) {
    state->tensors.push_back(to_tensor(batch.labels, graph.value(graph.inputs[1]), batch, place));
  }
  return Inputs(std::move(state));
}

}  // namespace gainsweep::execute

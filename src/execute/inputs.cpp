#include "execute/inputs.hpp"

#include <ATen/ops/tensor.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "execute/state.hpp"
#include "graph/print.hpp"

namespace gainsweep::execute {
namespace {

using Indices = std::vector<std::int64_t>;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::input, "input " + name + " " + what);
}

std::size_t num_numbers(const model::Tensor& given) {
  return std::visit([](const auto& values) { return values.size(); }, given.values);
}

void check_form(const graph::Value& wanted, const model::Tensor& given) {
  const bool is_index = std::holds_alternative<Indices>(given.values);
  if (is_index != (wanted.type == graph::ElementType::index)) {
    refuse(wanted.name, is_index ? "is given indices (the graph reads reals)"
                                 : "is given reals (the graph reads indices)");
  }
  const auto count = num_numbers(given);
  if (static_cast<std::int64_t>(count) != graph::num_elements(given.shape)) {
    refuse(wanted.name, "is given " + std::to_string(count) + " numbers (its shape " +
                            graph::to_text(given.shape) + " has " +
                            std::to_string(graph::num_elements(given.shape)) + ")");
  }
  if (given.shape != wanted.shape) {
    refuse(wanted.name, "of shape " + graph::to_text(given.shape) +
                            " does not fit (the graph was built " + "for " +
                            graph::to_text(wanted.shape) + ")");
  }
}

// On other devices than the CPU an index outside ends the process, not the operator.
void check_bound(const std::string& name, const Indices& indices, std::int64_t bound) {
  const auto wrong = std::find_if(indices.begin(), indices.end(),
                                  [&](std::int64_t i) { return i < 0 || i >= bound; });
  if (wrong == indices.end()) return;
  refuse(name, "holds " + std::to_string(*wrong) + " at place " +
                   std::to_string(wrong - indices.begin()) + " (the model knows 0 to " +
                   std::to_string(bound - 1) + ")");
}

void check_bounds(const std::string& name, const model::Tensor& given,
                  std::span<const model::Input> known) {
  const auto* indices = std::get_if<Indices>(&given.values);
  const auto input =
      std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.name == name; });
  if (indices != nullptr && input != known.end() && input->bound > 0) {
    check_bound(name, *indices, input->bound);
  }
}

const model::Tensor& tensor_of(const model::Sample& sample, const std::string& name) {
  if (name == model::targets_input) {
    if (num_numbers(sample.targets) == 0) refuse(name, "is missing: the sample has no targets");
    return sample.targets;
  }
  const auto found = sample.inputs.find(name);
  if (found == sample.inputs.end()) {
    std::vector<std::string> names;
    for (const auto& [given, tensor] : sample.inputs) names.push_back(given);
    refuse(name, "is missing (the sample has " + (names.empty() ? "none" : join(names)) + ")");
  }
  return found->second;
}

bool reads(const graph::Graph& graph, const char* name) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(),
                     [&](graph::ValueId id) { return graph.value(id).name == name; });
}

/// Of all targets, 1 where the sample gives none.
model::Tensor weights_of(const model::Sample& sample) {
  if (model::num_targets(sample) == 0)
    refuse(model::weights_input, "is 0 throughout (no target of the sample counts)");
  auto weights = sample.weights;
  if (weights.empty()) weights.assign(num_numbers(sample.targets), 1);
  return {sample.targets.shape, std::move(weights)};
}

at::Tensor to_tensor(const model::Tensor& given, at::Device device) {
  return std::visit(
      [&](const auto& values) { return at::tensor(values).view(given.shape).to(device); },
      given.values);
}

}  // namespace

Inputs::Inputs(std::unique_ptr<State> state) : state_(std::move(state)) {}
Inputs::Inputs(Inputs&&) noexcept = default;
Inputs& Inputs::operator=(Inputs&&) noexcept = default;
Inputs::~Inputs() = default;

Inputs joined(std::span<const Inputs> parts) {
  auto state = std::make_unique<Inputs::State>();
  for (const auto& part : parts)
    for (const auto& tensor : part.state().tensors) state->tensors.push_back(tensor);
  return Inputs(std::move(state));
}

Inputs make_inputs(const graph::Graph& graph, const model::Sample& sample,
                   std::span<const model::Input> known, const Device& device) {
  return make_inputs(graph, sample, known, device, Inputs(std::make_unique<Inputs::State>()));
}

Inputs make_inputs(const graph::Graph& graph, const model::Sample& sample,
                   std::span<const model::Input> known, const Device& device, const Inputs& first) {
  auto state = std::make_unique<Inputs::State>(first.state());
  for (std::size_t i = state->tensors.size(); i < graph.inputs.size(); ++i) {
    const auto& value = graph.value(graph.inputs[i]);
    if (value.name == model::targets_input && !sample.weights.empty() &&
        !reads(graph, model::weights_input)) {
      refuse(value.name, "has weights (this graph's loss is a plain mean over targets)");
    }
    const bool are_weights = value.name == model::weights_input;
    const auto weights = are_weights ? weights_of(sample) : model::Tensor{};
    const auto& given = are_weights ? weights : tensor_of(sample, value.name);
    check_form(value, given);
    check_bounds(value.name, given, known);
    state->tensors.push_back(to_tensor(given, to_place(device)));
  }
  return Inputs(std::move(state));
}

}  // namespace gainsweep::execute

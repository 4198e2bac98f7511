#include "execute/program.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "execute/fold.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

constexpr std::size_t never = static_cast<std::size_t>(-1);

/// By value: the last call that reads it, or the one that makes it, or `never`.
std::vector<std::size_t> last_uses(const Program::State& program) {
  std::vector<std::size_t> last(program.graph.values.size(), never);
  for (std::size_t c = 0; c < program.calls.size(); ++c) {
    for (const auto value : program.calls[c].outputs) last[value] = c;
    for (const auto& slot : program.calls[c].slots) {
      for (const auto value : slot.values) last[value] = c;
    }
  }
  return last;
}

/// Marks where each value of a run is freed. Bound values are not the run's to free.
void mark_lifetimes(Program::State& program) {
  const auto last = last_uses(program);
  for (std::size_t value = 0; value < last.size(); ++value) {
    if (last[value] == never || program.bound[value].defined()) continue;
    auto& call = program.calls[last[value]];
    Call::Slot* mover = nullptr;
    bool in_list = false;
    for (auto& slot : call.slots) {
      if (std::find(slot.values.begin(), slot.values.end(), value) == slot.values.end()) continue;
      if (slot.kind == Call::Slot::Kind::tensor) mover = &slot;
      in_list = in_list || slot.kind != Call::Slot::Kind::tensor;
    }
    if (mover != nullptr && !in_list) {
      mover->last = true;
    } else {
      call.dead.push_back(value);
    }
  }
}

/// Numbers that follow from parameters and constants become literals: a run reads none from the
/// device.
void bind_numbers(const Program::State& program, Call& call) {
  std::erase_if(call.slots, [&](const Call::Slot& slot) {
    if (slot.kind != Call::Slot::Kind::number) return false;
    const auto& value = program.bound[slot.values.front()];
    if (value.defined()) call.arguments[slot.argument] = value.item<double>();
    return value.defined();
  });
}

std::unique_ptr<Program::State> bind(graph::Graph graph, Parameters::State& parameters) {
  const at::NoGradGuard no_grad;
  auto program = std::make_unique<Program::State>();
  program->graph = std::move(graph);
  program->device = parameters.device;
  program->place = parameters.place;
  program->real = parameters.real;
  program->checkpoint = parameters.checkpoint;
  for (const auto& value : program->graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    program->stored_names.push_back(parameters.checkpoint_name(value.name));
    program->stored.push_back(parameters.checkpoint->tensor(program->stored_names.back()));
  }
  const auto num_values = program->graph.values.size();
  program->bound.resize(num_values);
  program->values.resize(num_values);
  program->kept.resize(num_values);
  const auto folded = fold(*program, parameters);
  const auto tables = read_as_stored(program->graph);
  for (std::size_t n = 0; n < folded.size(); ++n) {
    if (!folded[n]) {
      auto& call =
          program->calls.emplace_back(make_call(program->graph, n, program->real, program->place));
      const auto read = values_read(program->graph.nodes[n]);
      call.converts = std::any_of(read.begin(), read.end(),
                                  [&](graph::ValueId id) { return tables[id.index]; });
      bind_numbers(*program, call);
    }
  }
  mark_lifetimes(*program);
  return program;
}

bool are_same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.is_same(y); });
}

/// The run on these inputs as the device has captured it; null for a device that captures none.
const Captured* captured_run(Program::State& program, const Inputs::State& inputs) {
  if (!program.device->capture) return nullptr;
  auto& known = program.capture;
  if (known && are_same(known->inputs, inputs.tensors)) return &known->run;
  known.reset();
  std::vector<at::Tensor> outputs;
  program.device->record().wait();  // what it reads is there
  auto run = program.device->capture(
      [&] { outputs = run_tensors(program, inputs, program.graph.outputs); });
  if (!run) return nullptr;
  known.emplace(Program::State::Capture{inputs.tensors, std::move(outputs), *std::move(run)});
  return &known->run;
}

}  // namespace

Program::Program(graph::Graph graph, Parameters& parameters)
    : state_(bind(std::move(graph), parameters.state())) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

const graph::Graph& Program::graph() const {
  return state_->graph;
}

std::vector<double> Program::run(const Inputs& inputs, std::size_t output) {
  const auto& outputs = state_->graph.outputs;
  if (output >= outputs.size()) {
    throw Error(ErrorKind::internal, "graph " + state_->graph.name + " has no output " +
                                         std::to_string(output) + " (it has " +
                                         std::to_string(outputs.size()) + ")");
  }
  const c10::InferenceMode inference;
  const auto tensors = run_tensors(*state_, inputs.state(), {&outputs[output], 1});
  const auto host = tensors.front().to(at::kCPU, at::kDouble).contiguous();
  const auto* data = host.const_data_ptr<double>();
  return {data, data + host.numel()};
}

double Program::time(const Inputs& inputs) {
  const c10::InferenceMode inference;
  const auto& device = *state_->device;
  const auto* captured = captured_run(*state_, inputs.state());
  device.record().wait();
  const auto begin = std::chrono::steady_clock::now();
  // Alive until the end: a lazy device leaves out what nobody holds.
  std::vector<at::Tensor> outputs;
  if (captured != nullptr)
    captured->replay();
  else
    outputs = run_tensors(*state_, inputs.state(), state_->graph.outputs);
  device.record().wait();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return seconds.count();
}

Inputs Program::capture(const Inputs& inputs, std::span<const graph::ValueId> values) {
  // Not in inference mode: its tensors could not be inputs of a scored graph.
  const at::NoGradGuard no_grad;
  auto state = std::make_unique<Inputs::State>();
  state->tensors = run_tensors(*state_, inputs.state(), values);
  return Inputs(std::move(state));
}

}  // namespace gainsweep::execute

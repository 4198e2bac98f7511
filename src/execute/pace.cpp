#include "execute/pace.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <optional>
#include <utility>

#include "execute/interlude.hpp"
#include "execute/probe_session.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

// Passes behind the first, which may find caches cold: so many, or as long as this.
constexpr int most_passes = 4;
constexpr double enough_seconds = 0.4;
// A first pass of so long tells the pace well enough.
constexpr double long_seconds = 1.5;

/// The processor's time of a single thread is what it takes where nobody else is.
double now(const Device& device) {
  if (device.shared_by_ranks && at::get_num_threads() == 1)
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> since = std::chrono::steady_clock::now().time_since_epoch();
  return since.count();
}

double seconds_of(const Device& device, const std::function<void()>& work) {
  const double begin = now(device);
  work();
  return now(device) - begin;
}

/// Numbers in [-1, 1), and index 0, which every bound allows.
at::Tensor stand_in(const graph::Value& value, const Program::State& program) {
  const auto type = to_scalar_type(value.type, program.real);
  if (value.type == graph::ElementType::index)
    return at::zeros(value.shape, at::TensorOptions(type).device(program.place));
  return at::arange(graph::num_elements(value.shape), at::kFloat)
      .remainder_(17)
      .sub_(8)
      .div_(8)
      .view(value.shape)
      .to(program.place, type);
}

Inputs::State stand_ins(const Program::State& program) {
  Inputs::State inputs;
  for (const auto input : program.graph.inputs)
    inputs.tensors.push_back(stand_in(program.graph.value(input), program));
  return inputs;
}

/// What the first pass took longer than others counts as done once where there were others.
Pace pace_of(const Device& device, double made, const std::function<void()>& pass) {
  const double first = seconds_of(device, pass);
  if (first > long_seconds) return {made, first};
  double fastest = seconds_of(device, pass), spent = fastest;
  for (int i = 1; i < most_passes && spent < enough_seconds; ++i) {
    const double seconds = seconds_of(device, pass);
    fastest = std::min(fastest, seconds);
    spent += seconds;
  }
  return {made + std::max(0.0, first - fastest), fastest};
}

void wait_for(const Program::State& program) {
  program.device->record().wait();
}

}  // namespace

Pace forward_pace(graph::Graph graph, Parameters& parameters) {
  const auto& device = *parameters.state().device;
  std::optional<Program> program;
  const double made = seconds_of(device, [&] {
    program.emplace(std::move(graph), parameters);
    wait_for(program->state());
  });
  const auto inputs = stand_ins(program->state());
  return pace_of(device, made, [&] {
    const at::NoGradGuard no_grad;
    run_tensors(program->state(), inputs, {});
    wait_for(program->state());
  });
}

Pace interlude_pace(const Device& device, std::size_t bytes) {
  Interlude interlude(device, bytes);
  const Inputs nothing(std::make_unique<Inputs::State>());
  return pace_of(device, 0, [&] { interlude.play(nothing); });
}

Pace scored_pace(const graph::Graph& probed, const graph::Segment& segment,
                 const std::vector<graph::Op>& ops, const std::vector<format::Format>& low_formats,
                 std::vector<std::vector<float>> maxima, Parameters& parameters) {
  using torch::autograd::variable_list;
  const auto& device = *parameters.state().device;
  const auto session =
      c10::make_intrusive<ProbeSession>(low_formats, std::move(maxima), ops, probe_kernels(device));
  std::optional<Program> made_program;
  const double made = seconds_of(
      device, [&] { made_program.emplace(graph::extract(probed, segment), parameters); });
  auto& program = made_program->state();
  const auto given = stand_ins(program);
  return pace_of(device, made, [&] {
    const at::AutoGradMode with_gradients(true);
    session->begin();
    auto inputs = given;
    variable_list sought{session->tap()};
    if (segment.enters) {
      inputs.tensors.front() = inputs.tensors.front().detach().requires_grad_();
      sought.push_back(inputs.tensors.front());
    }
    at::Tensor output;
    {
      const ActiveSession active(session);
      output = run_tensors(program, inputs, {program.graph.outputs.data(), 1}).front();
    }
    if (output.requires_grad())
      torch::autograd::grad({output}, sought, {at::ones_like(output)}, {}, false, true);
    wait_for(program);
  });
}

}  // namespace gainsweep::execute

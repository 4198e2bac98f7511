#include "execute/probe_pass.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "base/error.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

bool has_probes(const graph::Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const graph::Node& node) {
    return node.op.starts_with("gainsweep::probed_");
  });
}

std::vector<std::size_t> places(const std::vector<graph::ValueId>& all,
                                const std::vector<graph::ValueId>& some) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (std::find(some.begin(), some.end(), all[i]) != some.end()) found.push_back(i);
  return found;
}

}  // namespace

ProbePass::ProbePass(const graph::Graph& probed, const std::vector<graph::Segment>& pieces,
                     Parameters& parameters, c10::intrusive_ptr<ProbeSession> session)
    : session_(std::move(session)), entering_(pieces.size()) {
  bool takes_gradient = false;
  for (const auto& piece : pieces) {
    auto graph = graph::extract(probed, piece);
    const bool probes = has_probes(graph);
    parts_.push_back({Program(std::move(graph), parameters), piece.enters.has_value(),
                      takes_gradient, places(probed.inputs, piece.inputs)});
    takes_gradient = takes_gradient || probes;
  }
}

at::Tensor ProbePass::run(std::size_t part, const Inputs& inputs) {
  const auto& own = parts_[part];
  auto& program = parts_[part].program.state();
  Inputs::State given;
  if (own.is_entered) {
    if (entering_[part].scalar_type() != program.real)
      throw Error(ErrorKind::internal, "graph " + program.graph.name +
                                           " is cut at a value of another type. Report this.");
    given.tensors.push_back(entering_[part]);
  }
  for (const auto input : own.inputs) given.tensors.push_back(inputs.state().tensors[input]);
  const ActiveSession active(session_);
  return run_tensors(program, given, {program.graph.outputs.data(), 1}).front();
}

at::Tensor ProbePass::forward(const Inputs& inputs) {
  const auto last = parts_.size() - 1;
  for (std::size_t part = 0; part < last; ++part) {
    const at::NoGradGuard no_grad;
    entering_[part + 1] = run(part, inputs);
  }
  if (parts_[last].takes_gradient) entering_[last].requires_grad_();
  loss_ = run(last, inputs);
  return loss_;
}

void ProbePass::backward(const Inputs& inputs) {
  using torch::autograd::variable_list;
  auto output = std::move(loss_);
  variable_list gradient;
  for (auto part = parts_.size() - 1;; --part) {
    // The tap too, for ops that nothing leads to from what enters.
    variable_list sought{session_->tap()};
    const auto entering = std::move(entering_[part]);
    if (parts_[part].takes_gradient) sought.push_back(entering);
    const auto found = torch::autograd::grad({output}, sought, gradient, {}, false, true);
    if (!parts_[part].takes_gradient || !found[1].defined()) return;
    gradient = {found[1]};
    if (parts_[part - 1].takes_gradient) entering_[part - 1].requires_grad_();
    output = run(part - 1, inputs);
  }
}

void ProbePass::search(const Inputs& inputs) {
  const at::NoGradGuard no_grad;
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    auto output = run(part, inputs);
    if (part + 1 < parts_.size()) entering_[part + 1] = std::move(output);
  }
}

std::string ProbePass::spoilt_parameter() const {
  for (const auto& part : parts_)
    if (!part.program.spoilt_parameter().empty()) return part.program.spoilt_parameter();
  return {};
}

bool ProbePass::is_narrow() const {
  return parts_.front().program.state().real == at::kBFloat16;
}

}  // namespace gainsweep::execute

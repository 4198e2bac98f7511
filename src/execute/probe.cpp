#include "execute/probe.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "execute/probe_pass.hpp"
#include "execute/probe_session.hpp"
#include "execute/state.hpp"
#include "execute/stretches.hpp"
#include "model/outputs.hpp"

namespace gainsweep::execute {
namespace {

/// Refuses a result that is not finite by its cause: a weight's numbers or, where those are sound,
/// what `elsewhere` says. `what` is the result.
[[noreturn]] void refuse_result(const std::string& what, const ProbePass& pass,
                                const std::function<std::string()>& elsewhere) {
  const auto parameter = pass.spoilt_parameter();
  if (!parameter.empty())
    throw Error(ErrorKind::input, what + " is not finite: " + parameter +
                                      ". Fetch the checkpoint again or repair that tensor");
  throw Error(
      ErrorKind::input,
      what + " is not finite (" + elsewhere() + ", and all weights are finite). " +
          (pass.is_narrow() ? "Score in fp32 (sensitivity.precision)"
                            : "The model overflows on this sample: check that its tokens are text "
                              "of the model's own tokenizer, or leave the sample out"));
}

void check_maxima(const std::vector<format::Format>& formats,
                  const std::vector<std::vector<float>>& maxima,
                  const std::vector<graph::Op>& ops) {
  const bool needed = std::any_of(formats.begin(), formats.end(), [](const auto& format) {
    return format::has_static_scale(format) || format::shares_weight_scale(format);
  });
  if (!needed && maxima.empty()) return;
  bool fits = maxima.size() == ops.size();
  for (std::size_t op = 0; fits && op < ops.size(); ++op) {
    fits = maxima[op].size() == ops[op].operands.size();
  }
  if (!fits) {
    throw Error(ErrorKind::internal, "static scales do not cover the operands of the scored ops.");
  }
}

bool is_finite(const OperandProbe& probe) {
  const auto finite = [](double x) { return std::isfinite(x); };
  return finite(probe.sensitivity) &&
         std::all_of(probe.signed_error.begin(), probe.signed_error.end(), finite) &&
         std::all_of(probe.step_norm.begin(), probe.step_norm.end(), finite);
}

/// Gradients flow from the last op to the first, so the last bad one is where it began.
void check_gradients(const ProbeRecord& record, const std::vector<graph::Op>& ops,
                     const ProbePass& pass) {
  for (std::size_t op = ops.size(); op-- > 0;) {
    for (std::size_t operand = 0; operand < ops[op].operands.size(); ++operand) {
      if (is_finite(record.operands[op][operand])) continue;
      const bool weight = ops[op].operands[operand].role == graph::OperandRole::weight;
      refuse_result("the gradient of operand " + std::to_string(operand) + " (" +
                        (weight ? "weight" : "activation") + ") of " + ops[op].path,
                    pass, [] { return std::string("it is the first on the way back"); });
    }
  }
}

/// The place of an input among a graph's, if it has it.
std::optional<std::size_t> place_of(const graph::Graph& graph, const char* name) {
  for (std::size_t i = 0; i < graph.inputs.size(); ++i)
    if (graph.value(graph.inputs[i]).name == name) return i;
  return std::nullopt;
}

}  // namespace

struct Prober::State {
  c10::intrusive_ptr<ProbeSession> session;
  ProbePass pass;
  std::optional<std::size_t> targets, weights;  ///< among the inputs; draws count as targets

  static std::unique_ptr<State> make(c10::intrusive_ptr<ProbeSession> session,
                                     const graph::Graph& probed, Parameters& parameters,
                                     const std::vector<graph::Segment>& pieces) {
    const auto labels = place_of(probed, model::targets_input);
    const auto all = pieces.empty() ? std::vector{joined(probed, graph::segments(probed))} : pieces;
    return std::make_unique<State>(State{session, ProbePass(probed, all, parameters, session),
                                         labels ? labels : place_of(probed, model::draws_input),
                                         place_of(probed, model::weights_input)});
  }

  std::int64_t num_targets(const Inputs& inputs) const {
    const auto& tensors = inputs.state().tensors;
    if (weights) return tensors[*weights].count_nonzero().item<std::int64_t>();
    return targets ? tensors[*targets].numel() : 0;
  }

  /// Runs forward again to find where it went wrong: only a failing sample pays for the looking.
  std::string find_where(const Inputs& inputs) {
    session->searching = true;
    pass.search(inputs);
    session->searching = false;
    const auto first = session->first_not_finite;
    return first ? "the output of " + session->ops()[*first].path + " is the first that is not"
                 : "the outputs of all quantizable ops are";
  }
};

Prober::Prober(const graph::Graph& probed, std::vector<graph::Op> ops, Parameters& parameters,
               std::vector<format::Format> low_formats, std::vector<std::vector<float>> maxima,
               const std::vector<graph::Segment>& pieces) {
  check_maxima(low_formats, maxima, ops);
  auto session =
      c10::make_intrusive<ProbeSession>(std::move(low_formats), std::move(maxima), std::move(ops),
                                        probe_kernels(*parameters.state().device));
  state_ = State::make(std::move(session), probed, parameters, pieces);
}
Prober::Prober(const Prober& other, const graph::Graph& probed, Parameters& parameters,
               const std::vector<graph::Segment>& pieces)
    : state_(State::make(other.state_->session, probed, parameters, pieces)) {}
Prober::Prober(Prober&&) noexcept = default;
Prober::~Prober() = default;

ProbeRecord Prober::probe(const Inputs& inputs) {
  const at::AutoGradMode with_gradients(true);
  auto& session = *state_->session;
  session.begin();
  session.record.targets = state_->num_targets(inputs);
  session.record.loss = state_->pass.forward(inputs).item<double>();
  if (!std::isfinite(session.record.loss))
    refuse_result("the loss", state_->pass, [&] { return state_->find_where(inputs); });
  try {
    state_->pass.backward(inputs);
  } catch (const c10::Error& error) {
    throw Error(kind_of(error),
                std::string("the backward pass failed: ") + error.what_without_backtrace());
  }
  check_gradients(session.record, session.ops(), state_->pass);
  return std::move(session.record);
}

}  // namespace gainsweep::execute

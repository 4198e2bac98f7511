#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "execute/probe.hpp"
#include "execute/probe_kernels.hpp"
#include "execute/probe_operators.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

/// The pass that this thread runs.
struct Pass {
  std::vector<std::vector<float>>& maxima;
  const ProbeKernels& kernels;
};

thread_local Pass* active = nullptr;  ///< null outside execute::observe

/// Makes a pass the active one, given back at the end even when it fails.
class ActivePass {
 public:
  explicit ActivePass(Pass& pass) { active = &pass; }
  ActivePass(const ActivePass&) = delete;
  ActivePass& operator=(const ActivePass&) = delete;
  ~ActivePass() { active = nullptr; }
};

void check(const std::vector<std::vector<float>>& maxima, const std::vector<graph::Op>& ops,
           const Program& program) {
  for (std::size_t op = 0; op < maxima.size(); ++op) {
    const auto bad = std::find_if_not(maxima[op].begin(), maxima[op].end(),
                                      [](float m) { return std::isfinite(m); });
    if (bad == maxima[op].end()) continue;
    const auto& parameter = program.spoilt_parameter();
    throw Error(ErrorKind::input,
                "operand " + std::to_string(bad - maxima[op].begin()) + " of " + ops[op].path +
                    " is not finite, so it has no scale" +
                    (parameter.empty() ? " (all weights are finite). The model overflows on this "
                                         "sample: check that its tokens are text of the model's "
                                         "own tokenizer"
                                       : ": " + parameter +
                                             ". Fetch the checkpoint again or repair that tensor"));
  }
}

}  // namespace

void observe_operand(const at::Tensor& z, std::int64_t op, std::int64_t operand) {
  if (active == nullptr) return;
  auto& maxima = active->maxima[static_cast<std::size_t>(op)];
  float& maximum = maxima[static_cast<std::size_t>(operand)];
  const float largest = active->kernels.largest(z);
  if (!(largest <= maximum)) maximum = largest;
}

std::vector<std::vector<float>> observe(Program& observed, const Inputs& inputs,
                                        const std::vector<graph::Op>& ops) {
  std::vector<std::vector<float>> maxima;
  for (const graph::Op& op : ops) maxima.emplace_back(op.operands.size());
  {
    const at::NoGradGuard no_grad;
    Pass pass{maxima, probe_kernels(*observed.state().device)};
    const ActivePass while_it_runs(pass);
    run_tensors(observed.state(), inputs.state(), {});
  }
  check(maxima, ops, observed);
  return maxima;
}

}  // namespace gainsweep::execute

#include <ATen/ATen.h>

#include "base/text.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

/// "N numbers that ARE, the first at [i, j]" of the elements that a mask marks.
std::string numbers(const at::Tensor& mask, const std::string& what) {
  const auto places = mask.nonzero();
  const auto count = places.size(0);
  const auto first = places[0];
  std::vector<std::string> indices;
  for (std::int64_t i = 0; i < first.numel(); ++i)
    indices.push_back(std::to_string(first[i].item<std::int64_t>()));
  return std::to_string(count) + (count == 1 ? " number that is " : " numbers that are ") + what +
         (count == 1 ? ", at [" : ", the first at [") + join(indices) + "]";
}

/// What of a tensor is no number; empty when nothing is.
std::string undefined(const model::MappedTensor& mapped) {
  const auto stored = over_file(mapped);
  if (!stored.is_floating_point()) return {};
  const auto mask = at::isnan(stored);
  return mask.any().item<bool>() ? numbers(mask, "NaN") : "";
}

/// What is wrong with a tensor that a program reads as `real`; empty when nothing is.
std::string fault(const model::MappedTensor& mapped, at::ScalarType real) {
  const auto stored = over_file(mapped);
  const auto infinite = at::isfinite(stored).logical_not();
  if (infinite.any().item<bool>()) return numbers(infinite, "NaN or infinite");
  if (stored.scalar_type() == real) return {};
  const auto too_large = at::isfinite(stored.to(real)).logical_not();
  if (!too_large.any().item<bool>()) return {};
  return numbers(too_large, std::string("beyond the range of ") + c10::toString(real));
}

/// A fault with its tensor's name; empty when there is none.
std::string named(const std::string& what, const model::MappedTensor& mapped,
                  const std::string& name) {
  if (what.empty()) return {};
  return "tensor " + quote(name) + " of " + mapped.file.filename().string() + " holds " + what;
}

std::string find_fault(const Program::State& program) {
  for (std::size_t i = 0; i < program.stored.size(); ++i) {
    const auto& mapped = program.stored[i];
    auto found = named(fault(mapped, program.real), mapped, program.stored_names[i]);
    if (!found.empty()) return found;
  }
  return {};
}

/// The first fault of the tensors that a graph reads, with the tensor's name.
template <class Fault>
std::string first_fault(const graph::Graph& graph, const Parameters& parameters,
                        const Fault& fault_of) {
  const at::NoGradGuard no_grad;
  const auto& state = parameters.state();
  for (const auto& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    const auto name = state.checkpoint_name(value.name);
    const auto& mapped = state.checkpoint->tensor(name);
    auto found = named(fault_of(mapped), mapped, name);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

const std::string& Program::spoilt_parameter() const {
  const at::NoGradGuard no_grad;
  if (!state_->spoilt) state_->spoilt = find_fault(*state_);
  return *state_->spoilt;
}

std::string spoilt_parameter(const graph::Graph& graph, const Parameters& parameters) {
  const auto real = parameters.state().real;
  return first_fault(graph, parameters, [&](const auto& mapped) { return fault(mapped, real); });
}

std::string undefined_parameter(const graph::Graph& graph, const Parameters& parameters) {
  return first_fault(graph, parameters, undefined);
}

}  // namespace gainsweep::execute

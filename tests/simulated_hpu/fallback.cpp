// The boxed fallback of the device's key: computes any operator on the host's view of the same
// memory. To the clock it is the card's own where the bridge has a kernel, else the host's behind
// two copies.

#include <ATen/native/Resize.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <cstring>
#include <thread>

#include "simulated_hpu/counters.hpp"
#include "simulated_hpu/host_view.hpp"
#include "simulated_hpu/kernels.hpp"

namespace simulated_hpu {
namespace {

using Values = at::ArrayRef<c10::IValue>;

constexpr auto two_copies = std::chrono::microseconds(200);

double flops_of(const std::string& name, Values arguments) {
  const auto size = [&](std::size_t i, std::int64_t dim) {
    return static_cast<double>(arguments[i].toTensor().size(dim));
  };
  const auto base = name.substr(0, name.find('.'));
  if (base == "aten::mm") return 2 * size(0, 0) * size(0, 1) * size(1, 1);
  if (base == "aten::addmm") return 2 * size(1, 0) * size(1, 1) * size(2, 1);
  if (base == "aten::bmm") return 2 * size(0, 0) * size(0, 1) * size(0, 2) * size(1, 2);
  return 0;
}

c10::IValue host_argument(const c10::IValue& value) {
  if (value.isTensor()) return host_view(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(host_view(tensor));
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> list;
    for (const auto& entry : value.toOptionalTensorVector())
      list.push_back(entry ? std::optional(host_view(*entry)) : std::nullopt);
    return list;
  }
  return value.isDevice() ? c10::IValue(at::Device(at::kCPU)) : value;
}

c10::IValue card_result(const c10::IValue& value) {
  if (value.isTensor()) return card_view(value.toTensor());
  if (!value.isTensorList()) return value;
  c10::List<at::Tensor> list;
  for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(card_view(tensor));
  return list;
}

/// Tells the clock what was done. A number is a constant of its graph, as on the card.
void account(const std::string& name, Values arguments, Values results) {
  Work work{.signature = name, .flops = flops_of(name, arguments)};
  for (const auto& values : {arguments, results})
    for (const auto& value : values) {
      if (value.isScalar()) work.signature += " " + std::to_string(value.toScalar().toDouble());
      if (!value.isTensor()) continue;
      describe(work.signature, value.toTensor());
      work.bytes += bytes_of(value.toTensor());
    }
  if (has_kernel(name)) return card().issue(work);
  ++counters().host_fallbacks;
  card().step_and_wait();
  std::this_thread::sleep_for(two_copies);
}

/// The operator's arguments on the host. An empty tensor to write to is made anew there, because
/// its memory may have to grow.
struct Arguments {
  Arguments(const c10::FunctionSchema& schema, std::vector<c10::IValue> values)
      : given(std::move(values)) {
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto* alias = schema.arguments()[i].alias_info();
      const bool grows = alias != nullptr && alias->isWrite() && given[i].isTensor() &&
                         on_card(given[i].toTensor()) && given[i].toTensor().numel() == 0;
      if (grows) {
        const auto& tensor = given[i].toTensor();
        grown.emplace_back(tensor, at::empty({0}, tensor.scalar_type()));
        on_host.emplace_back(grown.back().second);
      } else {
        on_host.push_back(host_argument(given[i]));
      }
    }
  }

  void copy_grown() const {
    for (const auto& [ours, hosts] : grown) {
      const auto filled = hosts.contiguous();
      at::native::resize_(ours, filled.sizes());
      std::memcpy(ours.mutable_data_ptr(), filled.const_data_ptr(), filled.nbytes());
    }
  }

  std::vector<c10::IValue> given, on_host;
  std::vector<std::pair<at::Tensor, at::Tensor>> grown;  // the card's, the host's
};

/// A result that the schema says is a written argument is that argument.
c10::IValue result_of(const c10::FunctionSchema& schema, std::size_t r, const c10::IValue& made,
                      const std::vector<c10::IValue>& given) {
  const auto* alias = schema.returns()[r].alias_info();
  if (alias == nullptr) return card_result(made);
  TORCH_CHECK(alias->isWrite(), "simulated HPU: no kernel for the view operator ", schema.name());
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto* of = schema.arguments()[i].alias_info();
    if (of != nullptr && of->beforeSets() == alias->beforeSets()) return given[i];
  }
  return card_result(made);
}

void run(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const auto name = c10::toString(op.operator_name());
  card().acquire();
  TORCH_CHECK(has_kernel(name) || card().places_on_host(schema.name()), name,
              " has no kernel on the device and PT_HPU_PLACE_ON_CPU forbids the host's");
  const auto count = static_cast<std::ptrdiff_t>(schema.arguments().size());
  const Arguments arguments(schema, {stack->end() - count, stack->end()});
  torch::jit::drop(*stack, static_cast<std::size_t>(count));
  stack->insert(stack->end(), arguments.on_host.begin(), arguments.on_host.end());
  {
    const at::AutoDispatchBelowADInplaceOrView below;
    op.callBoxed(*stack);
  }
  arguments.copy_grown();
  const auto results = schema.returns().size();
  const auto first = stack->size() - results;
  for (std::size_t r = 0; r < results; ++r)
    (*stack)[first + r] = result_of(schema, r, (*stack)[first + r], arguments.given);
  account(name, arguments.given, Values(stack->data() + first, results));
}

}  // namespace
}  // namespace simulated_hpu

TORCH_LIBRARY_IMPL(_, SIMULATED_DEVICE, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&simulated_hpu::run>());
}

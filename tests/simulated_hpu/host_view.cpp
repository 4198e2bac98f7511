#include "simulated_hpu/host_view.hpp"

#include <ATen/ops/from_blob.h>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {
namespace {

at::Tensor view(const at::Tensor& tensor, at::Device device) {
  return at::from_blob(
      const_cast<void*>(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
      [keep = tensor](void*) {}, at::TensorOptions(tensor.scalar_type()).device(device), device);
}

}  // namespace

bool on_card(const at::Tensor& tensor) {
  return tensor.defined() && tensor.device().type() == place.type();
}

at::Tensor host_view(const at::Tensor& tensor) {
  return on_card(tensor) ? view(tensor, at::kCPU) : tensor;
}

at::Tensor card_view(const at::Tensor& tensor) {
  return !tensor.defined() || on_card(tensor) ? tensor : view(tensor, place);
}

double bytes_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return 0;
  return static_cast<double>(tensor.numel()) * static_cast<double>(tensor.element_size());
}

void describe(std::string& signature, const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  signature += c10::toString(tensor.scalar_type());
  for (const auto extent : tensor.sizes()) signature += "," + std::to_string(extent);
}

}  // namespace simulated_hpu

// 8-bit products: what a card refuses, then the host's product of the same memory.

#include <ATen/Context.h>
#include <ATen/ops/_int_mm.h>
#include <ATen/ops/_scaled_mm.h>
#include <torch/library.h>

#include "simulated_hpu/host_view.hpp"

namespace simulated_cuda {
namespace {

using simulated_hpu::card_view, simulated_hpu::host_view, simulated_hpu::on_card;

std::optional<at::Tensor> host_view_of(const std::optional<at::Tensor>& tensor) {
  return tensor ? std::optional(host_view(*tensor)) : std::nullopt;
}

void check_layouts(const at::Tensor& a, const at::Tensor& b, std::int64_t multiple) {
  TORCH_CHECK(a.dim() == 2 && b.dim() == 2, "Inputs must be 2D");
  TORCH_CHECK(on_card(a) && on_card(b), "operands must be on the card");
  TORCH_CHECK(a.stride(1) == 1 && a.stride(0) > 1, "self must be row_major");
  TORCH_CHECK(b.stride(0) == 1 && b.stride(1) > 1, "mat2 must be col_major");
  TORCH_CHECK(b.size(0) % multiple == 0 && b.size(1) % multiple == 0,
              "Expected both dimensions of mat2 to be divisible by ", multiple);
}

void check_scales(const at::Tensor& a, const at::Tensor& b, std::int64_t rows,
                  std::int64_t columns) {
  for (const auto& scale : {a, b})
    TORCH_CHECK(on_card(scale) && scale.scalar_type() == at::kFloat && scale.is_contiguous(),
                "scales must be contiguous fp32 tensors on the card");
  if (a.numel() == 1 && b.numel() == 1) return;
  TORCH_CHECK(a.sizes() == at::IntArrayRef({rows, 1}) && b.sizes() == at::IntArrayRef({1, columns}),
              "For rowwise scaling, scale_a should be (M, 1), scale_b should be (1, N)");
}

/// Meanwhile LibTorch computes products of fp8 numbers itself: on processors with AVX-512 it hands
/// them to oneDNN otherwise, whose reference kernel takes a hundred times longer.
class WithoutOneDnn {
 public:
  WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(false); }
  WithoutOneDnn(const WithoutOneDnn&) = delete;
  WithoutOneDnn& operator=(const WithoutOneDnn&) = delete;
  ~WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(was_enabled_); }

 private:
  bool was_enabled_ = at::globalContext().userEnabledMkldnn();
};

at::Tensor scaled_mm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& scale_a,
                     const at::Tensor& scale_b, const std::optional<at::Tensor>& bias,
                     const std::optional<at::Tensor>& scale_result,
                     std::optional<at::ScalarType> type, bool fast_accumulation) {
  check_layouts(a, b, 16);
  check_scales(scale_a, scale_b, a.size(0), b.size(1));
  TORCH_CHECK(!scale_result && type && (*type == at::kFloat || *type == at::kBFloat16),
              "an output of 8 bits was not meant");
  TORCH_CHECK(!bias || (on_card(*bias) && *type == at::kBFloat16 && bias->scalar_type() == *type),
              "Bias must be bf16, and is not supported when out_dtype is set to Float32");
  const WithoutOneDnn without_it;
  return card_view(at::_scaled_mm(host_view(a), host_view(b), host_view(scale_a),
                                  host_view(scale_b), host_view_of(bias), std::nullopt, type,
                                  fast_accumulation));
}

at::Tensor int_mm(const at::Tensor& a, const at::Tensor& b) {
  check_layouts(a, b, 8);
  TORCH_CHECK(a.size(0) > 16, "self.size(0) needs to be greater than 16, but got ", a.size(0));
  TORCH_CHECK(a.scalar_type() == at::kChar && b.scalar_type() == at::kChar, "expected int8");
  return card_view(at::_int_mm(host_view(a), host_view(b)));
}

/// LibTorch calls a kernel of its own for CUDA where it calls `_copy_from` for other devices.
at::Tensor& copy(at::Tensor& to, const at::Tensor& from, bool /*non_blocking*/) {
  host_view(to).copy_(host_view(from));
  return to;
}

}  // namespace
}  // namespace simulated_cuda

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("_scaled_mm", simulated_cuda::scaled_mm);
  m.impl("_int_mm", simulated_cuda::int_mm);
  m.impl("copy_", simulated_cuda::copy);
}

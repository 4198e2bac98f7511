#include "execute/int8_matmul.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_int_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include "execute/kernels.hpp"
#include "execute/operators.hpp"

namespace gainsweep::execute {
namespace {

/// Bytes as two's complement, all leading sizes as one.
at::Tensor signed_batch(const at::Tensor& codes) {
  return codes.contiguous().view(at::kChar).view({-1, codes.size(-2), codes.size(-1)});
}

}  // namespace

at::Tensor int8_matmul(const at::Tensor& a, const at::Tensor& a_scale, const at::Tensor& b,
                       const at::Tensor& b_scale, at::ScalarType type) {
  TORCH_CHECK(a.dim() >= 2 && b.dim() == a.dim() && a.size(-1) == b.size(-2) &&
                  a.sizes().slice(0, a.dim() - 2) == b.sizes().slice(0, b.dim() - 2),
              "gainsweep::int8_matmul takes a[…, M, K] and b[…, K, N] of the same leading sizes, "
              "not ",
              a.sizes(), " and ", b.sizes());
  const auto left = signed_batch(a), right = signed_batch(b);
  auto sizes = a.sizes().vec();
  sizes.back() = b.size(-1);
  auto products = at::empty({left.size(0), left.size(1), right.size(2)}, at::kInt);
  for (std::int64_t i = 0; i < left.size(0); ++i) {
    auto product = products[i];
    at::_int_mm_out(product, left[i], right[i]);
  }
  return scale_sums(products.view(sizes), a_scale * b_scale, std::nullopt, type);
}

const std::string& int8_matmul_kernel() {
  static const std::string name = [] {
    const auto codes = at::ones({64, 64}, at::kChar);
    const auto kernel = product_kernel(onednn_log([&] { at::_int_mm(codes, codes); }));
    return kernel.starts_with("ref") ? std::string() : kernel;
  }();
  return name;
}

}  // namespace gainsweep::execute

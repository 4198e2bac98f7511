#include "execute/products.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "execute/operators.hpp"

namespace gainsweep::execute {
namespace {

/// Elements of an operand that are converted at a time: enough for an efficient product, few enough
/// to stay in the last-level cache.
constexpr std::int64_t block_elements = std::int64_t{1} << 20;

/// Calls `body(first row, rows)` for blocks of the rows of `matrix`.
template <class Body>
void for_blocks(const at::Tensor& matrix, Body body) {
  const auto rows = matrix.size(0);
  const auto columns = std::max<std::int64_t>(matrix.size(1), 1);
  const auto block = std::max<std::int64_t>(block_elements / columns, 1);
  for (std::int64_t row = 0; row < rows; row += block) body(row, std::min(block, rows - row));
}

at::Tensor widened(const at::Tensor& x) {
  return x.to(at::kFloat);
}

at::Tensor widened_linear(const at::Tensor& x, const at::Tensor& w,
                          const std::optional<at::Tensor>& bias) {
  auto shape = x.sizes().vec();
  shape.back() = w.size(0);
  const auto rows = widened(x.reshape({-1, x.size(-1)}));
  auto result = at::empty({rows.size(0), w.size(0)}, x.options());
  for_blocks(w, [&](std::int64_t first, std::int64_t count) {
    auto part = at::mm(rows, widened(w.narrow(0, first, count)).t());
    if (bias && bias->defined()) part.add_(widened(bias->narrow(0, first, count)));
    result.narrow(1, first, count).copy_(part);
  });
  return result.view(shape);
}

at::Tensor widened_mm(const at::Tensor& a, const at::Tensor& b) {
  auto sum = at::zeros({a.size(0), b.size(1)}, a.options().dtype(at::kFloat));
  for_blocks(b, [&](std::int64_t first, std::int64_t count) {
    sum.addmm_(widened(a.narrow(1, first, count)), widened(b.narrow(0, first, count)));
  });
  return sum.to(b.scalar_type());
}

void widened_mm_out(at::Tensor& out, const at::Tensor& a, const at::Tensor& b) {
  out.copy_(at::mm(widened(a), widened(b)));
}

at::Tensor widened_matmul(const at::Tensor& a, const at::Tensor& b, at::ScalarType type) {
  return at::matmul(widened(a), widened(b)).to(type);
}

}  // namespace

const Products& native_products() {
  static const Products products{
      [](const at::Tensor& x) { return x; },
      [](const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) {
        return at::linear(x, w, bias);
      },
      [](const at::Tensor& a, const at::Tensor& b) { return at::mm(a, b); },
      [](at::Tensor& out, const at::Tensor& a, const at::Tensor& b) { at::mm_out(out, a, b); },
      [](const at::Tensor& a, const at::Tensor& b, at::ScalarType) { return at::matmul(a, b); }};
  return products;
}

const Products& widened_products() {
  static const Products products{widened, widened_linear, widened_mm, widened_mm_out,
                                 widened_matmul};
  return products;
}

bool has_bf16_kernels() {
  static const bool has = [] {
    torch::jit::Stack stack;
    find_operator("mkldnn::_is_mkldnn_bf16_supported").callBoxed(stack);
    return stack.front().toBool();
  }();
  return has;
}

const Products& products_for(const at::Tensor& x) {
  const bool is_slow = x.is_cpu() && x.scalar_type() == at::kBFloat16 && !has_bf16_kernels();
  return is_slow ? widened_products() : native_products();
}

}  // namespace gainsweep::execute

#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// Matrix products of scoring, in two forms.
namespace gainsweep::execute {

struct Products {
  /// A tensor that several products read, in the form that they multiply.
  at::Tensor (*operand)(const at::Tensor& x);
  /// x wᵀ + bias.
  at::Tensor (*linear)(const at::Tensor& x, const at::Tensor& w,
                       const std::optional<at::Tensor>& bias);
  /// A product of matrices of which the second is long in its first dimension.
  at::Tensor (*mm)(const at::Tensor& a, const at::Tensor& b);
  /// a b into `out`, which has the products' type.
  void (*mm_out)(at::Tensor& out, const at::Tensor& a, const at::Tensor& b);
  /// A batch of products of matrices; `type` is the result's.
  at::Tensor (*matmul)(const at::Tensor& a, const at::Tensor& b, at::ScalarType type);
};

/// ATen's own.
const Products& native_products();

/// Operands converted to fp32 (long ones block by block), multiplied and summed there, each result
/// rounded once to the type of the operands.
const Products& widened_products();

/// Whether ATen has kernels of this processor's for bf16 products. The loops that it runs otherwise
/// take about eight times as long as products in fp32.
bool has_bf16_kernels();

/// The form for tensors like `x`: widened for bf16 on processors without kernels for it.
const Products& products_for(const at::Tensor& x);

}  // namespace gainsweep::execute

#pragma once

#include <ATen/core/Tensor.h>

#include <string>

/// Matrix products of two activations in 8 bit.
namespace gainsweep::execute {

/// a[…, M, K] b[…, K, N] of signed codes (in bytes, zero point 0) at a scale each (fp32, one
/// element): one `aten::_int_mm` for each of the leading sizes, which are those of both, then one
/// pass that scales into `type`.
at::Tensor int8_matmul(const at::Tensor& a, const at::Tensor& a_scale, const at::Tensor& b,
                       const at::Tensor& b_scale, at::ScalarType type);

/// The kernel that such products run on as oneDNN names it (`brg_matmul:avx512_core_vnni`); empty
/// where this LibTorch has none for the processor, or only a reference.
const std::string& int8_matmul_kernel();

}  // namespace gainsweep::execute

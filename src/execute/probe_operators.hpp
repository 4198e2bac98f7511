#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>

#include <optional>

/// Kernels of the probed operators. Inside a probing pass (ActiveSession) under autograd their
/// backward functions make the operands' gradients, add their numbers to the session's record, pass
/// the activations' on and drop the weight's. Anywhere else they are the plain operators.
namespace gainsweep::execute {

at::Tensor probed_linear(const at::Tensor& x, const at::Tensor& w,
                         const std::optional<at::Tensor>& bias, std::int64_t op);

at::Tensor probed_matmul(const at::Tensor& a, const at::Tensor& b, std::int64_t op);

at::Tensor probed_convolution(const at::Tensor& input, const at::Tensor& weight,
                              const std::optional<at::Tensor>& bias, c10::SymIntArrayRef stride,
                              c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation,
                              bool transposed, c10::SymIntArrayRef output_padding,
                              c10::SymInt groups, std::int64_t op);

/// Raises the active observation's maximum of an operand (`gainsweep::observe`).
void observe_operand(const at::Tensor& z, std::int64_t op, std::int64_t operand);

}  // namespace gainsweep::execute

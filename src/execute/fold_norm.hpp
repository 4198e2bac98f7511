#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

/// Batch norms with fixed statistics as a part of the convolution before them, in double:
/// γ(w·x + b − μ)/√(σ² + ε) + β.
namespace gainsweep::execute {

/// w·γ/√(σ² + ε), a factor an output channel; γ is 1 where there is none.
at::Tensor fold_norm_weight(const at::Tensor& w, const std::optional<at::Tensor>& scale,
                            const at::Tensor& variance, double eps);

/// β + (b − μ)·γ/√(σ² + ε); b and β are 0 where there are none.
at::Tensor fold_norm_bias(const std::optional<at::Tensor>& bias,
                          const std::optional<at::Tensor>& scale,
                          const std::optional<at::Tensor>& shift, const at::Tensor& mean,
                          const at::Tensor& variance, double eps);

}  // namespace gainsweep::execute

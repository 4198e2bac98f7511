#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>
#include <vector>

namespace simulated_hpu {

/// fp32 → codes of a Gaudi 2: round to nearest even, finite values saturate at 240 (e4m3) or 57344
/// (e5m2).
at::Tensor encode(const at::Tensor& values, at::ScalarType type);

/// Codes → fp32 as a Gaudi 2 reads them: what OCP's e4m3 calls 256 is infinite there, what lies
/// above no number.
at::Tensor decode(const at::Tensor& codes);

/// A scale as the overloads of one operator take it.
using Scale = std::variant<std::monostate, double, std::vector<double>, at::Tensor>;

/// As a tensor that broadcasts; `shape` where a list is not one of the last dimension.
at::Tensor scale_tensor(const Scale& scale, at::OptionalIntArrayRef shape);

/// Whether a scale is none or a constant 16, 1, 1/16 or 1/256: an exponent bias, which costs
/// nothing. Any other is as right, and costs multiplications.
bool is_exponent_bias(const Scale& scale);

}  // namespace simulated_hpu

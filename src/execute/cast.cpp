// Codes of activations, and what undoes them, in plain operators: on any device, and without
// waiting for it.

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

#include <limits>

#include "execute/operators.hpp"
#include "format/format.hpp"

namespace gainsweep::execute {
namespace {

/// z / scale in fp32 (fp64 for fp64). By a tensor: by a number of the host's CUDA multiplies by the
/// reciprocal, which rounds otherwise.
at::Tensor quotient(const at::Tensor& z, const at::Tensor& scale) {
  TORCH_CHECK(scale.numel() == 1 && scale.device() == z.device(),
              "a scale of one element is needed where the tensor lives (", z.device(), "), not of ",
              scale.numel(), " on ", scale.device());
  return z / scale.view({1});
}

at::Tensor contiguous_codes(const at::Tensor& values, at::ScalarType type) {
  return values.to(type, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::Contiguous);
}

at::ScalarType codes_of(const format::NumberFormat& format) {
  if (format.name == "fp8_e4m3") return at::kFloat8_e4m3fn;
  TORCH_CHECK(format.name == "fp8_e5m2", "activations are cast to fp8_e4m3 or fp8_e5m2, not to ",
              format.name);
  return at::kFloat8_e5m2;
}

}  // namespace

at::Tensor cast_to_fp8(const at::Tensor& z, const at::Tensor& scale, std::string_view format_name) {
  const auto format = format::number_by_name(std::string(format_name));
  const auto type = codes_of(format);
  return contiguous_codes(quotient(z, scale).clamp_(-format.grid.max, format.grid.max), type);
}

at::Tensor cast_to_int8(const at::Tensor& z, const at::Tensor& scale) {
  return contiguous_codes(quotient(z, scale).round_().clamp_(-127, 127), at::kChar);
}

at::Tensor dynamic_scale(const at::Tensor& z, std::string_view format_name, double backoff) {
  const auto format = format::number_by_name(std::string(format_name));
  const auto amax = at::linalg_vector_norm(z, std::numeric_limits<double>::infinity(), std::nullopt,
                                           false, at::kFloat)
                        .view({1});
  const auto range = at::full({1}, format.grid.max * backoff, amax.options().dtype(at::kDouble));
  const auto free = (amax.to(at::kDouble) / range).to(at::kFloat);
  const auto scale = free.clamp_min(std::numeric_limits<float>::min());
  return at::where(amax == 0, at::ones_like(scale), scale);
}

at::Tensor scale_sums(const at::Tensor& sums, const at::Tensor& scales,
                      const std::optional<at::Tensor>& bias, at::ScalarType type) {
  auto result = at::empty(sums.sizes(), sums.options().dtype(type));
  if (bias)
    at::addcmul_out(result, *bias, sums, scales);
  else
    at::mul_out(result, sums, scales);
  return result;
}

}  // namespace gainsweep::execute

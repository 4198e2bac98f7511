#include "simulated_hpu/fp8.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <array>
#include <limits>

#include "simulated_hpu/host_view.hpp"

namespace simulated_hpu {
namespace {

constexpr double largest_e4m3 = 240;  // exponent 1111 is infinity and NaN, as IEEE has it
constexpr double largest_e5m2 = 57344;
constexpr double code_of_infinity = 256;  // what OCP's e4m3 reads in it
constexpr std::array<double, 4> bias_scales{16, 1, 1.0 / 16, 1.0 / 256};

double largest(at::ScalarType type) {
  TORCH_CHECK(type == at::kFloat8_e4m3fn || type == at::kFloat8_e5m2, "fp8 type expected, not ",
              type);
  return type == at::kFloat8_e4m3fn ? largest_e4m3 : largest_e5m2;
}

}  // namespace

at::Tensor encode(const at::Tensor& values, at::ScalarType type) {
  return at::clamp(values, -largest(type), largest(type)).to(type);
}

at::Tensor decode(const at::Tensor& codes) {
  const auto values = codes.to(at::kFloat);
  if (codes.scalar_type() != at::kFloat8_e4m3fn) return values;
  const auto magnitude = at::abs(values);
  const auto infinite = at::sign(values) * std::numeric_limits<float>::infinity();
  const auto special =
      at::where(magnitude == code_of_infinity, infinite, std::numeric_limits<float>::quiet_NaN());
  return at::where(magnitude >= code_of_infinity, special, values);
}

at::Tensor scale_tensor(const Scale& scale, at::OptionalIntArrayRef shape) {
  if (std::holds_alternative<std::monostate>(scale)) return at::tensor(1.0, at::kFloat);
  at::Tensor result;
  if (const auto* one = std::get_if<double>(&scale)) result = at::tensor(*one, at::kFloat);
  if (const auto* list = std::get_if<std::vector<double>>(&scale))
    result = at::tensor(*list, at::kFloat);
  if (const auto* tensor = std::get_if<at::Tensor>(&scale))
    result = host_view(*tensor).to(at::kFloat);
  if (!shape) return result;
  TORCH_CHECK(result.numel() == c10::multiply_integers(*shape), "Number of scale elements (",
              result.numel(), ") is not equal to number of scale_shape elements.");
  return result.reshape(*shape);
}

bool is_exponent_bias(const Scale& scale) {
  if (std::holds_alternative<std::monostate>(scale)) return true;
  const auto* one = std::get_if<double>(&scale);
  return one != nullptr &&
         std::find(bias_scales.begin(), bias_scales.end(), *one) != bias_scales.end();
}

}  // namespace simulated_hpu

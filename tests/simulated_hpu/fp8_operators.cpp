// The bridge's fp8 operators by its schemas, and its fused norm.

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <torch/library.h>

#include "simulated_hpu/counters.hpp"
#include "simulated_hpu/fp8.hpp"
#include "simulated_hpu/host_view.hpp"

namespace simulated_hpu {
namespace {

using Bias = std::optional<at::Tensor>;
using Shape = at::OptionalIntArrayRef;

constexpr double fp8_rate = 2;  // beside bf16

/// A number is a constant of the graph, a tensor is not.
void describe(std::string& signature, const Scale& scale) {
  if (const auto* one = std::get_if<double>(&scale)) signature += " " + std::to_string(*one);
  if (const auto* list = std::get_if<std::vector<double>>(&scale))
    for (const auto one : *list) signature += " " + std::to_string(one);
}

Scale scale_of(const std::optional<at::Tensor>& scale) {
  return scale && scale->defined() ? Scale(*scale) : Scale();
}

std::tuple<at::Tensor, at::Tensor> cast_to(const at::Tensor& input, const Scale& scale,
                                           bool stochastic, bool is_amax, at::ScalarType dtype,
                                           Shape shape) {
  TORCH_CHECK(!stochastic, "simulated HPU: no stochastic rounding");
  const auto type = input.scalar_type();
  TORCH_CHECK(type == at::kFloat || type == at::kBFloat16,
              "CastToFp8V2 input dtype must be one of [float, bfloat16], not ", type);
  const auto host = host_view(input).to(at::kFloat);
  const auto codes = encode(host * scale_tensor(scale, shape), dtype);
  const auto amax = is_amax ? at::abs(host).max() : at::empty({0}, at::kFloat);
  Work work{.signature = "cast_to_fp8", .bytes = bytes_of(input) + bytes_of(codes)};
  describe(work.signature, input);
  describe(work.signature, scale);
  card().issue(work);
  return {card_view(codes), card_view(amax)};
}

at::Tensor cast_from(const at::Tensor& input, const Scale& scale, at::ScalarType dtype,
                     Shape shape) {
  TORCH_CHECK(dtype == at::kFloat || dtype == at::kBFloat16,
              "CastFromFp8 output dtype must be equal to float or bfloat16.");
  const auto result = (decode(host_view(input)) * scale_tensor(scale, shape)).to(dtype);
  Work work{.signature = "cast_from_fp8", .bytes = bytes_of(input) + bytes_of(result)};
  describe(work.signature, input);
  describe(work.signature, scale);
  card().issue(work);
  return card_view(result);
}

struct Product {
  const at::Tensor& a;
  bool trans_a;
  const at::Tensor& b;
  bool trans_b;
  const std::optional<at::Tensor>& d;
  at::ScalarType out;
  Scale a_scale, b_scale;  ///< dequantising
  const Bias& bias;
  bool accumulate;
  Shape b_shape;
};

at::Tensor values_of(const Product& p, const at::Tensor& left, const at::Tensor& right) {
  auto out = at::matmul(left, right) * scale_tensor(p.a_scale, std::nullopt) *
             scale_tensor(p.b_scale, p.b_shape);
  if (p.bias && p.bias->defined()) out = out + host_view(*p.bias).to(at::kFloat);
  if (p.accumulate) out = out + host_view(*p.d).to(at::kFloat);
  const bool is_low = p.out == at::kFloat8_e4m3fn || p.out == at::kFloat8_e5m2;
  return is_low ? encode(out, p.out) : out.to(p.out);
}

at::Tensor gemm(const Product& p) {
  TORCH_CHECK(p.a.scalar_type() == p.b.scalar_type(), "fp8_gemm operands must have one fp8 type, ",
              "not ", p.a.scalar_type(), " and ", p.b.scalar_type());
  TORCH_CHECK(p.a_scale.index() == p.b_scale.index(), "fp8_gemm scales must be of one kind");
  TORCH_CHECK(!p.accumulate || p.d, "fp8_gemm: accumulate needs D");
  auto left = decode(host_view(p.a)), right = decode(host_view(p.b));
  if (p.trans_a) left = left.transpose(-2, -1);
  if (p.trans_b) right = right.transpose(-2, -1);
  const auto out = values_of(p, left, right);
  const bool is_aligned = is_exponent_bias(p.a_scale) && is_exponent_bias(p.b_scale);
  if (!is_aligned) ++counters().off_grid_scales;
  const double multiplications = is_aligned ? 0 : 2 * bytes_of(out);
  Work work{.signature = "fp8_gemm",
            .flops = 2.0 * static_cast<double>(out.numel()) * static_cast<double>(left.size(-1)),
            .bytes = bytes_of(p.a) + bytes_of(p.b) + bytes_of(out) + multiplications,
            .rate = fp8_rate};
  describe(work.signature, p.a);
  describe(work.signature, p.b);
  describe(work.signature, p.a_scale);
  describe(work.signature, p.b_scale);
  card().issue(work);
  return card_view(out);
}

std::tuple<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x, const at::Tensor& gamma,
                                            double epsilon) {
  const auto host = host_view(x).to(at::kFloat);
  const auto inverse = at::rsqrt(at::mean(host * host, {-1}, true) + epsilon);
  const auto out = (host * inverse * host_view(gamma).to(at::kFloat)).to(x.scalar_type());
  Work work{.signature = "rms_norm", .bytes = 2 * bytes_of(x)};
  describe(work.signature, x);
  card().issue(work);
  return {card_view(out), card_view(inverse)};
}

at::Tensor scaled_mm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& a_scale,
                     const at::Tensor& b_scale, const Bias& bias,
                     const std::optional<at::Tensor>& /*scale_result*/,
                     std::optional<at::ScalarType> out, bool /*use_fast_accum*/) {
  return gemm({a, false, b, false, std::nullopt, out.value_or(at::kBFloat16), a_scale, b_scale,
               bias, false, std::nullopt});
}

// The overloads, in the schemas' order of arguments.

using Casts = std::tuple<at::Tensor, at::Tensor>;

Casts cast_to_tensor(const at::Tensor& x, const std::optional<at::Tensor>& scale, bool stochastic,
                     bool is_amax, at::ScalarType dtype, Shape shape) {
  return cast_to(x, scale_of(scale), stochastic, is_amax, dtype, shape);
}
Casts cast_to_scalar(const at::Tensor& x, double scale, bool stochastic, bool is_amax,
                     at::ScalarType dtype, Shape /*shape*/) {
  return cast_to(x, scale, stochastic, is_amax, dtype, std::nullopt);
}
Casts cast_to_list(const at::Tensor& x, at::ArrayRef<double> scale, bool stochastic, bool is_amax,
                   at::ScalarType dtype, Shape shape) {
  return cast_to(x, scale.vec(), stochastic, is_amax, dtype, shape);
}
at::Tensor cast_from_tensor(const at::Tensor& x, const std::optional<at::Tensor>& scale,
                            at::ScalarType dtype, Shape shape) {
  return cast_from(x, scale_of(scale), dtype, shape);
}
at::Tensor cast_from_scalar(const at::Tensor& x, double scale, at::ScalarType dtype,
                            Shape /*shape*/) {
  return cast_from(x, scale, dtype, std::nullopt);
}
at::Tensor cast_from_list(const at::Tensor& x, at::ArrayRef<double> scale, at::ScalarType dtype,
                          Shape shape) {
  return cast_from(x, scale.vec(), dtype, shape);
}
at::Tensor gemm_tensor(const at::Tensor& a, bool ta, const at::Tensor& b, bool tb,
                       const std::optional<at::Tensor>& d, at::ScalarType out,
                       const std::optional<at::Tensor>& a_scale,
                       const std::optional<at::Tensor>& b_scale, const Bias& bias, bool accumulate,
                       Shape shape) {
  return gemm(
      {a, ta, b, tb, d, out, scale_of(a_scale), scale_of(b_scale), bias, accumulate, shape});
}
at::Tensor gemm_scalar(const at::Tensor& a, bool ta, const at::Tensor& b, bool tb,
                       const std::optional<at::Tensor>& d, at::ScalarType out, double a_scale,
                       double b_scale, const Bias& bias, bool accumulate, Shape /*shape*/) {
  return gemm({a, ta, b, tb, d, out, a_scale, b_scale, bias, accumulate, std::nullopt});
}
at::Tensor gemm_list(const at::Tensor& a, bool ta, const at::Tensor& b, bool tb,
                     const std::optional<at::Tensor>& d, at::ScalarType out,
                     at::ArrayRef<double> a_scale, at::ArrayRef<double> b_scale, const Bias& bias,
                     bool accumulate, Shape shape) {
  return gemm({a, ta, b, tb, d, out, a_scale.vec(), b_scale.vec(), bias, accumulate, shape});
}

}  // namespace
}  // namespace simulated_hpu

TORCH_LIBRARY(hpu, m) {
  const std::string cast_tail =
      "bool stochastic_rounding=False, bool is_amax=False, ScalarType dtype=None, "
      "int[]? scale_shape=None) -> (Tensor, Tensor)";
  m.def(("cast_to_fp8_v2(Tensor input, Tensor? scale=None, " + cast_tail).c_str());
  m.def(("cast_to_fp8_v2.scalar(Tensor input, float scale, " + cast_tail).c_str());
  m.def(("cast_to_fp8_v2.scalar_list(Tensor input, float[] scale, " + cast_tail).c_str());
  const std::string from_tail = "ScalarType out_dtype, int[]? scale_shape=None) -> Tensor";
  m.def(("cast_from_fp8(Tensor input, Tensor? scale, " + from_tail).c_str());
  m.def(("cast_from_fp8.scalar(Tensor input, float scale, " + from_tail).c_str());
  m.def(("cast_from_fp8.scalar_list(Tensor input, float[] scale, " + from_tail).c_str());
  const std::string operands =
      "(Tensor A, bool trans_A, Tensor B, bool trans_B, Tensor? D, ScalarType out_dtype, ";
  const std::string gemm_tail =
      "Tensor? bias=None, bool accumulate=False, int[]? B_scale_shape=None) -> Tensor";
  m.def(("fp8_gemm_v2" + operands + "Tensor? A_scale_inv=None, Tensor? B_scale_inv=None, " +
         gemm_tail)
            .c_str());
  m.def(("fp8_gemm_v2.scalar" + operands + "float A_scale_inv, float B_scale_inv, " + gemm_tail)
            .c_str());
  m.def(("fp8_gemm_v2.scalar_list" + operands + "float[] A_scale_inv, float[] B_scale_inv, " +
         gemm_tail)
            .c_str());
  m.def("rms_norm(Tensor data_in, Tensor gamma, float epsilon) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(hpu, HPU, m) {
  using namespace simulated_hpu;
  m.impl("cast_to_fp8_v2", cast_to_tensor);
  m.impl("cast_to_fp8_v2.scalar", cast_to_scalar);
  m.impl("cast_to_fp8_v2.scalar_list", cast_to_list);
  m.impl("cast_from_fp8", cast_from_tensor);
  m.impl("cast_from_fp8.scalar", cast_from_scalar);
  m.impl("cast_from_fp8.scalar_list", cast_from_list);
  m.impl("fp8_gemm_v2", gemm_tensor);
  m.impl("fp8_gemm_v2.scalar", gemm_scalar);
  m.impl("fp8_gemm_v2.scalar_list", gemm_list);
  m.impl("rms_norm", simulated_hpu::rms_norm);
}

TORCH_LIBRARY_IMPL(aten, HPU, m) {
  m.impl("_scaled_mm", simulated_hpu::scaled_mm);
}

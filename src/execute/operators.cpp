#include "execute/operators.hpp"

#include <torch/csrc/jit/frontend/function_schema_parser.h>
#include <torch/library.h>
#include <torch/version.h>

#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "execute/attention.hpp"
#include "execute/fake_quantize_operators.hpp"
#include "execute/fold_norm.hpp"
#include "execute/int8_matmul.hpp"
#include "execute/loss_operators.hpp"
#include "execute/probe_attention.hpp"
#include "execute/probe_operators.hpp"

namespace gainsweep::execute {

namespace {

std::optional<c10::OperatorHandle> find(const std::string& name) {
  const auto dot = name.find('.', name.find("::"));
  const auto base = name.substr(0, dot);
  const auto overload = dot == std::string::npos ? std::string() : name.substr(dot + 1);
  return c10::Dispatcher::singleton().findSchema({base, overload});
}

}  // namespace

c10::OperatorHandle find_operator(const std::string& name) {
  const auto op = find(name);
  if (!op) {
    throw Error(ErrorKind::internal, "operator " + name +
                                         " is not known to this LibTorch (no such name or overload "
                                         "in its dispatcher). Check the graph's front end");
  }
  return *op;
}

void require_operators(const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (const auto& name : names)
    if (!find(name)) missing.push_back(name);
  if (missing.empty()) return;
  throw Error(ErrorKind::environment, "LibTorch " + std::string(TORCH_VERSION) + " lacks " +
                                          join(missing) +
                                          " (docs/devices.md tells which versions were checked). "
                                          "Build with a version that has them");
}

at::Tensor at_least_fp32(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

}  // namespace gainsweep::execute

TORCH_LIBRARY(gainsweep, m) {
  m.def("at_least_fp32(Tensor x) -> Tensor");
  m.def("mean_cross_entropy(Tensor scores, Tensor targets, Tensor? weights=None) -> Tensor");
  m.def("drawn_classes(Tensor scores, Tensor draws) -> Tensor");
  m.def("fold_norm_weight(Tensor w, Tensor? scale, Tensor variance, float eps) -> Tensor");
  m.def(
      "fold_norm_bias(Tensor? bias, Tensor? scale, Tensor? shift, Tensor mean, Tensor variance, "
      "float eps) -> Tensor");
  m.def("target_log_likelihoods(Tensor scores, Tensor targets) -> Tensor");
  m.def("targets_are_likeliest(Tensor scores, Tensor targets) -> Tensor");
  m.def("observe(Tensor z, int op, int operand) -> ()");
  m.def("probed_linear(Tensor x, Tensor w, Tensor? bias, int op) -> Tensor");
  m.def("probed_matmul(Tensor a, Tensor b, int op) -> Tensor");
  m.def("mask_packed(Tensor scores, Tensor positions, Tensor parts, int window) -> Tensor");
  m.def("attention(Tensor q, Tensor k, Tensor v, Tensor mask, float? cap=None) -> Tensor");
  m.def(
      "probed_attention(Tensor q, Tensor k, Tensor v, Tensor mask, int qk, int av, float? "
      "cap=None) "
      "-> Tensor");
  m.def(
      "probed_convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] "
      "padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, int "
      "op) -> Tensor");
  m.def("fake_quantize(Tensor z, str format, Tensor scale) -> Tensor");
  m.def("fake_quantize_dynamic(Tensor z, str format, float backoff, str scale_grid) -> Tensor");
  m.def(
      "fake_quantize_weight(Tensor w, str format, float backoff, str scale_grid, str range) -> "
      "Tensor");
  m.def(
      "fake_quantize_blocks(Tensor z, str format, int dim, int restart, str scale_grid, Tensor? "
      "units=None) -> Tensor");
  m.def(
      "encode_weight(Tensor w, str format, float backoff, bool per_channel, str scale_grid, str "
      "range) -> (Tensor codes, Tensor scales)");
  m.def("cast_to_fp8(Tensor z, Tensor scale, str format) -> Tensor");
  m.def("cast_to_int8(Tensor z, Tensor scale) -> Tensor");
  m.def("dynamic_scale(Tensor z, str format, float backoff) -> Tensor");
  m.def("scale_sums(Tensor sums, Tensor scales, Tensor? bias, ScalarType type) -> Tensor");
  m.def("quantize(Tensor x, Tensor scale, str format, int zero_point) -> Tensor");
  m.def(
      "int8_matmul(Tensor a, Tensor a_scale, Tensor b, Tensor b_scale, ScalarType out_dtype) -> "
      "Tensor");
  m.def(
      "quantize_dynamic(Tensor x, str format, float backoff, int zero_point, str scale_grid) -> "
      "(Tensor codes, Tensor scale)");
  m.def(
      "quantize_weight(Tensor w, float backoff, bool per_channel, str scale_grid, str range) -> "
      "(Tensor codes, Tensor scales)");
}

// Kernels are named here and not in static objects of their own files: a linker drops an archive
// member that nothing refers to.
TORCH_LIBRARY_IMPL(gainsweep, CompositeImplicitAutograd, m) {
  m.impl("at_least_fp32", gainsweep::execute::at_least_fp32);
  m.impl("mean_cross_entropy", gainsweep::execute::mean_cross_entropy);
  m.impl("drawn_classes", gainsweep::execute::drawn_classes);
  m.impl("fold_norm_weight", gainsweep::execute::fold_norm_weight);
  m.impl("fold_norm_bias", gainsweep::execute::fold_norm_bias);
  m.impl("target_log_likelihoods", gainsweep::execute::target_log_likelihoods);
  m.impl("targets_are_likeliest", gainsweep::execute::targets_are_likeliest);
  m.impl("mask_packed", gainsweep::execute::mask_packed);
  m.impl("probed_linear", gainsweep::execute::probed_linear);
  m.impl("probed_matmul", gainsweep::execute::probed_matmul);
  m.impl("probed_attention", gainsweep::execute::probed_attention);
  m.impl("probed_convolution", gainsweep::execute::probed_convolution);
}

// For any device that has no kernels of its own here.
TORCH_LIBRARY_IMPL(gainsweep, CompositeExplicitAutograd, m) {
  m.impl("observe", gainsweep::execute::observe_operand);
  m.impl("attention", gainsweep::execute::attention);
  m.impl("encode_weight", gainsweep::execute::encode_weight);
  m.impl("quantize_weight", gainsweep::execute::quantize_weight);
  m.impl("cast_to_fp8", gainsweep::execute::cast_to_fp8);
  m.impl("cast_to_int8", gainsweep::execute::cast_to_int8);
  m.impl("dynamic_scale", gainsweep::execute::dynamic_scale);
  m.impl("scale_sums", gainsweep::execute::scale_sums);
  m.impl("fake_quantize", gainsweep::execute::plain::fake_quantize);
  m.impl("fake_quantize_dynamic", gainsweep::execute::plain::fake_quantize_dynamic);
  m.impl("fake_quantize_weight", gainsweep::execute::plain::fake_quantize_weight);
  m.impl("fake_quantize_blocks", gainsweep::execute::plain::fake_quantize_blocks);
}

TORCH_LIBRARY_IMPL(gainsweep, CPU, m) {
  m.impl("fake_quantize", gainsweep::execute::fake_quantize);
  m.impl("fake_quantize_dynamic", gainsweep::execute::fake_quantize_dynamic);
  m.impl("fake_quantize_weight", gainsweep::execute::fake_quantize_weight);
  m.impl("fake_quantize_blocks", gainsweep::execute::fake_quantize_blocks);
  m.impl("quantize", gainsweep::execute::quantize);
  m.impl("int8_matmul", gainsweep::execute::int8_matmul);
  m.impl("quantize_dynamic", gainsweep::execute::quantize_dynamic);
}

// Probed operators against plain autograd and element-by-element sums in fp64.

#include "execute/probe_operators.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "execute/probe_session.hpp"
#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

using format::Format;
using format::ScaleRule;
using Session = c10::intrusive_ptr<ProbeSession>;

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble);
}

graph::Op op_of(graph::OpKind kind, graph::OperandRole second) {
  graph::Op op;
  op.kind = kind;
  op.path = "op";
  op.operands = {{}, {.value = {}, .role = second, .argument = 1}};
  return op;
}

graph::Op weighted_op() {
  return op_of(graph::OpKind::linear, graph::OperandRole::weight);
}
graph::Op matmul_op() {
  return op_of(graph::OpKind::matmul, graph::OperandRole::activation);
}

std::vector<Format> formats(ScaleRule rule) {
  std::vector<Format> result{format::by_name("int8"), format::by_name("fp8_e4m3"),
                             format::by_name("fp8_e5m2"), format::by_name("int8")};
  result[3].weight.granularity = format::Granularity::tensor;
  for (auto& f : result) f.activation->scale = rule;
  return result;
}

Session session_of(const graph::Op& op, ScaleRule rule, std::vector<float> maxima = {}) {
  auto session = c10::make_intrusive<ProbeSession>(
      formats(rule), std::vector<std::vector<float>>{std::move(maxima)}, std::vector{op},
      fused_probes());
  session->begin();
  return session;
}

void add_format(OperandProbe& probe) {
  for (auto* sums : {&probe.signed_error, &probe.square_error, &probe.step_norm})
    sums->push_back(0);
}

/// One group, numbers of equal scale, flattened: adds to the last format.
void add_group(const format::NumberFormat& f, float amax, const at::Tensor& z, const at::Tensor& g,
               OperandProbe& probe) {
  const float scale = format::scale_of(f, amax);
  const auto values = z.contiguous();
  const auto gradients = g.contiguous();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    const double value = values.const_data_ptr<double>()[i];
    const double gradient = gradients.const_data_ptr<double>()[i];
    const double term = gradient * (format::round_to(f.grid, value, scale) - value);
    probe.signed_error.back() += term;
    probe.square_error.back() += term * term;
    if (f.grid.kind == format::Kind::integer && value != 0) {
      probe.step_norm.back() += static_cast<double>(scale) * scale * gradient * gradient;
    }
  }
}

float amax_of(const at::Tensor& z) {
  return static_cast<float>(z.abs().max().item<double>());
}

OperandProbe expected_activation(const std::vector<Format>& all, const at::Tensor& z,
                                 const at::Tensor& g, std::optional<float> static_amax) {
  OperandProbe probe{(z * g).square().sum().item<double>(), {}, {}, {}};
  for (const auto& f : all) {
    add_format(probe);
    add_group(*f.activation, static_amax.value_or(amax_of(z)), z, g, probe);
  }
  return probe;
}

OperandProbe expected_weight(const std::vector<Format>& all, const at::Tensor& w,
                             const at::Tensor& g) {
  OperandProbe probe{(w * g).square().sum().item<double>(), {}, {}, {}};
  for (const auto& f : all) {
    add_format(probe);
    if (f.weight.granularity == format::Granularity::tensor) {
      add_group(f.weight, amax_of(w), w, g, probe);
      continue;
    }
    for (std::int64_t row = 0; row < w.size(0); ++row) {
      add_group(f.weight, amax_of(w[row]), w[row], g[row], probe);
    }
  }
  return probe;
}

void expect_close(double actual, double expected, double scale) {
  EXPECT_NEAR(actual, expected, 1e-12 * (std::abs(expected) + scale));
}

/// `scale` of a signed error is that of its terms: they cancel.
void expect_equal(const OperandProbe& actual, const OperandProbe& expected) {
  EXPECT_GT(expected.sensitivity, 0);
  expect_close(actual.sensitivity, expected.sensitivity, 0);
  ASSERT_EQ(actual.signed_error.size(), expected.signed_error.size());
  ASSERT_EQ(actual.square_error.size(), expected.square_error.size());
  ASSERT_EQ(actual.step_norm.size(), expected.step_norm.size());
  for (std::size_t f = 0; f < expected.signed_error.size(); ++f) {
    expect_close(actual.signed_error[f], expected.signed_error[f], 10 * expected.sensitivity);
    expect_close(actual.square_error[f], expected.square_error[f], 0);
    expect_close(actual.step_norm[f], expected.step_norm[f], 0);
  }
}

at::Tensor leaf(const at::Tensor& x) {
  return x.detach().clone().requires_grad_();
}

TEST(ProbedLinear, AgreesWithAutograd) {
  for (const bool with_bias : {false, true}) {
    const auto x = leaf(random({2, 5, 37}, 1));
    const auto w = random({11, 37}, 2);
    const auto bias = with_bias ? std::optional(random({11}, 3)) : std::nullopt;
    const auto gy = random({2, 5, 11}, 4);
    const auto plain_x = leaf(x);
    const auto plain_w = leaf(w);
    const auto expected = at::linear(plain_x, plain_w, bias);
    expected.backward(gy);

    const auto session = session_of(weighted_op(), ScaleRule::dynamic_max, {0, amax_of(w)});
    {
      const ActiveSession active(session);
      const auto y = probed_linear(x, w, bias, 0);
      EXPECT_TRUE(at::equal(y, expected));
      y.backward(gy);
    }
    EXPECT_TRUE(at::allclose(x.grad(), plain_x.grad(), 1e-12, 1e-12));
    EXPECT_FALSE(w.grad().defined());
    const auto all = formats(ScaleRule::dynamic_max);
    expect_equal(session->record.operands[0][0],
                 expected_activation(all, plain_x.detach(), plain_x.grad(), {}));
    expect_equal(session->record.operands[0][1], expected_weight(all, w, plain_w.grad()));
  }
}

TEST(ProbedLinear, ProbesWeightsLargerThanABlock) {
  const auto x = random({3, 4096}, 1);
  const auto w = random({600, 4096}, 2);
  const auto gy = random({3, 600}, 3);
  const auto session = session_of(weighted_op(), ScaleRule::dynamic_max, {0, amax_of(w)});
  {
    const ActiveSession active(session);
    probed_linear(x, w, {}, 0).backward(gy);
  }
  const auto all = formats(ScaleRule::dynamic_max);
  expect_equal(session->record.operands[0][1], expected_weight(all, w, gy.t().mm(x)));
}

TEST(ProbedLinear, RunsBackwardThoughNothingRequiresAGradient) {
  const auto x = random({4, 8}, 1);
  const auto w = random({8, 8}, 2);
  const auto session = session_of(weighted_op(), ScaleRule::dynamic_max, {0, amax_of(w)});
  {
    const ActiveSession active(session);
    probed_linear(x, w, {}, 0).sum().backward();
  }
  EXPECT_GT(session->record.operands[0][0].sensitivity, 0);
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(session->tap().grad().defined());
}

TEST(ProbedLinear, TakesStaticScalesFromMaxima) {
  const auto x = random({4, 16}, 1);
  const auto w = random({8, 16}, 2);
  const auto gy = random({4, 8}, 3);
  const float amax = 1.5F;  // below the largest of x: values beyond saturate
  const auto session = session_of(weighted_op(), ScaleRule::static_max, {amax, amax_of(w)});
  {
    const ActiveSession active(session);
    probed_linear(x, w, {}, 0).backward(gy);
  }
  expect_equal(session->record.operands[0][0],
               expected_activation(formats(ScaleRule::static_max), x, gy.mm(w), amax));
}

TEST(ProbedMatmul, AgreesWithAutogradOnViews) {
  const auto a = leaf(random({2, 3, 10, 8}, 1));
  const auto b = leaf(random({2, 7, 3, 8}, 2));  // [B, T, K, D] seen as [B, K, D, T]
  const auto gy = random({2, 3, 10, 7}, 3);
  const auto plain_a = leaf(a);
  const auto plain_b = leaf(b);
  at::matmul(plain_a, plain_b.permute({0, 2, 3, 1})).backward(gy);

  const auto session = session_of(matmul_op(), ScaleRule::dynamic_max);
  {
    const ActiveSession active(session);
    probed_matmul(a, b.permute({0, 2, 3, 1}), 0).backward(gy);
  }
  EXPECT_TRUE(at::allclose(a.grad(), plain_a.grad(), 1e-12, 1e-12));
  EXPECT_TRUE(at::allclose(b.grad(), plain_b.grad(), 1e-12, 1e-12));
  const auto all = formats(ScaleRule::dynamic_max);
  expect_equal(session->record.operands[0][0],
               expected_activation(all, a.detach(), plain_a.grad(), {}));
  expect_equal(session->record.operands[0][1],
               expected_activation(all, b.detach(), plain_b.grad(), {}));
}

TEST(ProbedMatmul, LeavesExactZerosOutOfTheStepNorm) {
  const auto masked = at::tril(random({1, 1, 6, 6}, 1).abs());
  const auto v = random({1, 1, 6, 4}, 2);
  const auto gy = random({1, 1, 6, 4}, 3);
  const auto session = session_of(matmul_op(), ScaleRule::dynamic_max);
  {
    const ActiveSession active(session);
    probed_matmul(masked, v, 0).backward(gy);
  }
  const auto ga = at::matmul(gy, v.transpose(-2, -1));
  const double step = format::scale_of(format::number_by_name("int8"), amax_of(masked));
  const double norm = session->record.operands[0][0].step_norm[0];
  EXPECT_NEAR(norm, step * step * at::tril(ga).square().sum().item<double>(), 1e-12 * norm);
  EXPECT_LT(norm, 0.9 * step * step * ga.square().sum().item<double>());
}

TEST(ProbedMatmul, RefusesBroadcasting) {
  EXPECT_THROW(probed_matmul(random({2, 3, 4}, 1), random({1, 4, 5}, 2), 0), c10::Error);
}

TEST(ProbedConvolution, AgreesWithAutograd) {
  const auto x = leaf(random({2, 4, 9, 9}, 1));
  const auto w = random({6, 2, 3, 3}, 2);
  const std::vector<std::int64_t> stride{2, 1}, padding{1, 0}, dilation{1, 1}, none{0, 0};
  const auto plain_x = leaf(x);
  const auto plain_w = leaf(w);
  const auto y = at::convolution(plain_x, plain_w, {}, stride, padding, dilation, false, none, 2);
  const auto gy = random(y.sizes(), 3);
  y.backward(gy);

  const auto session = session_of(weighted_op(), ScaleRule::dynamic_max, {0, amax_of(w)});
  const auto sym = [](const std::vector<std::int64_t>& list) {
    return c10::fromIntArrayRefSlow(list);
  };
  {
    const ActiveSession active(session);
    probed_convolution(x, w, {}, sym(stride), sym(padding), sym(dilation), false, sym(none), 2, 0)
        .backward(gy);
  }
  EXPECT_TRUE(at::allclose(x.grad(), plain_x.grad(), 1e-12, 1e-12));
  const auto all = formats(ScaleRule::dynamic_max);
  expect_equal(session->record.operands[0][0],
               expected_activation(all, x.detach(), plain_x.grad(), {}));
  expect_equal(session->record.operands[0][1], expected_weight(all, w, plain_w.grad()));
}

TEST(ProbedOperators, ArePlainOutsideAPass) {
  const auto x = random({4, 8}, 1);
  const auto w = random({8, 8}, 2);
  EXPECT_TRUE(at::equal(probed_linear(x, w, {}, 0), at::linear(x, w)));
  EXPECT_FALSE(probed_linear(x, w, {}, 0).requires_grad());
  EXPECT_TRUE(at::equal(probed_matmul(x, w, 0), at::matmul(x, w)));
}

/// Sums in a bf16, an fp32 and an fp64 tensor of several pieces, for rows of equal and own scales.
TEST(AddProbe, DoesNotDependOnTheThreadCount) {
  const int threads = at::get_num_threads();
  for (const auto type : {at::kBFloat16, at::kFloat, at::kDouble}) {
    const auto z = random({301, 257}, 1).to(type);
    const auto g = random({301, 257}, 2).to(type);
    const auto int8 = format::number_by_name("int8"), e4m3 = format::number_by_name("fp8_e4m3"),
               e5m2 = format::number_by_name("fp8_e5m2"), mxfp4 = format::number_by_name("mxfp4");
    const OperandFormats all{
        {&int8, std::vector<float>(301, 0.01F)}, {&e4m3, {0.5F}}, {&e5m2, {2}}, {&mxfp4, {1}}};
    std::vector<OperandProbe> probes;
    for (const int count : {1, 2}) {
      at::set_num_threads(count);
      auto& probe = probes.emplace_back();
      probe.signed_error.resize(4);
      probe.square_error.resize(4);
      probe.step_norm.resize(4);
      fused_probes().add(all, {}, z, g, probe);
    }
    EXPECT_GT(probes[0].sensitivity, 0);
    EXPECT_EQ(probes[0].sensitivity, probes[1].sensitivity);
    EXPECT_EQ(probes[0].signed_error, probes[1].signed_error);
    EXPECT_EQ(probes[0].square_error, probes[1].square_error);
    EXPECT_EQ(probes[0].step_norm, probes[1].step_norm);
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace gainsweep::execute

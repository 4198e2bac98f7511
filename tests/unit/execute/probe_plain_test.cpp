// Probes in plain ATen operators against the fused kernels.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "execute/plain_blocks.hpp"
#include "execute/plain_elements.hpp"
#include "execute/probe_kernels.hpp"
#include "fixture.hpp"
#include "format/block.hpp"
#include "format/scale.hpp"
#include "lower/pass.hpp"
#include "same_scores.hpp"

namespace gainsweep::execute {
namespace {

std::vector<format::Format> all_formats() {
  std::vector<format::Format> formats;
  for (const auto& name : format::names()) formats.push_back(format::by_name(name));
  return formats;
}

/// Every number format, and one operand that stays high.
OperandFormats all_numbers() {
  static const auto numbers = [] {
    std::vector<format::NumberFormat> all;
    for (const auto& name : format::number_names()) all.push_back(format::number_by_name(name));
    return all;
  }();
  OperandFormats formats{{}};
  for (const auto& number : numbers) formats.push_back({&number, {1}});
  return formats;
}

/// Numbers of many magnitudes with zeros of both signs and subnormals among them.
at::Tensor operand(std::int64_t rows, std::int64_t columns, unsigned seed) {
  auto numbers = fixture::numbers(static_cast<std::size_t>(rows * columns), seed);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] *= std::ldexp(1.0F, static_cast<int>(i % 24) - 12);
    if (i % 17 == 0) numbers[i] = i % 2 == 0 ? 0.0F : -0.0F;
    if (i % 19 == 0) numbers[i] = std::ldexp(1.0F, -140);
  }
  return at::tensor(numbers).view({rows, columns});
}

OperandProbe probe_of(const ProbeKernels& kernels, const OperandFormats& formats,
                      const OperandPart& part, const at::Tensor& z, const at::Tensor& g) {
  const std::vector<double> zeros(formats.size());
  OperandProbe probe{0, zeros, zeros, zeros};
  kernels.add(formats, part, z, g, probe);
  return probe;
}

/// Σ |g·(Q(z) − z)|: a signed error's terms cancel, its rounding does not.
double magnitude(const OperandFormat& format, const OperandPart& part, const at::Tensor& z,
                 const at::Tensor& g) {
  if (format.number == nullptr) return 0;
  const auto values = plain::widened(z);
  at::Tensor rounded;
  if (format.in_blocks()) {
    rounded = plain::rounded_in_blocks(*format.number, part, values, format.scales[0]).rounded;
  } else {
    const auto first = format.scales.begin() + part.first_row;
    const auto own =
        format.scales.size() > 1 ? std::vector<float>(first, first + z.size(0)) : format.scales;
    rounded = plain::rounded(format.number->grid, values, plain::scales_for(values, own));
  }
  const auto error = rounded.to(at::kDouble) - values.to(at::kDouble);
  return (error * g.to(at::kDouble)).abs().sum().item<double>();
}

void expect_equal(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
                  const at::Tensor& g) {
  const auto plain = probe_of(plain_probes(), formats, part, z, g);
  const auto fused = probe_of(fused_probes(), formats, part, z, g);
  EXPECT_NEAR(plain.sensitivity, fused.sensitivity, 1e-5 * fused.sensitivity);
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const auto name = formats[f].number == nullptr ? "high" : formats[f].number->name;
    // No flips here: the CPU's fp32 arithmetic is IEEE's, so that roundings are equal.
    EXPECT_NEAR(plain.signed_error[f], fused.signed_error[f],
                1e-6 * magnitude(formats[f], part, z, g))
        << name;
    EXPECT_NEAR(plain.square_error[f], fused.square_error[f], 1e-5 * fused.square_error[f]) << name;
    EXPECT_NEAR(plain.step_norm[f], fused.step_norm[f], 1e-5 * fused.step_norm[f]) << name;
  }
}

OperandFormats formats_of(const ProbeKernels& kernels, const at::Tensor& z, bool per_channel) {
  auto formats = all_numbers();
  const auto maxima =
      per_channel ? kernels.largest_of_rows(z) : std::vector<float>{kernels.largest(z)};
  const float most = *std::max_element(maxima.begin(), maxima.end());
  for (auto& format : formats) {
    if (format.number == nullptr) continue;
    if (format.in_blocks()) {
      format.scales = {format::global_scale(*format.number, most)};
      continue;
    }
    format.scales = maxima;
    for (float& scale : format.scales) scale = format::scale_of(*format.number, scale);
  }
  return formats;
}

std::vector<std::vector<float>> scales(const OperandFormats& formats) {
  std::vector<std::vector<float>> all;
  for (const auto& format : formats) all.push_back(format.scales);
  return all;
}

class PlainProbe : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(PlainProbe, TakesTheScalesOfTheKernels) {
  const auto z = operand(40, 300, 1).to(GetParam());
  for (const auto& view : {z, z.t(), z.slice(1, 3, 200, 2)})
    for (const bool per_channel : {false, true})
      EXPECT_EQ(scales(formats_of(plain_probes(), view, per_channel)),
                scales(formats_of(fused_probes(), view, per_channel)));
  EXPECT_EQ(plain_probes().largest(at::empty({0, 3}, GetParam())), 0);
  const auto bad = at::tensor({1.0F, INFINITY, NAN, 2.0F}).view({2, 2}).to(GetParam());
  EXPECT_TRUE(std::isnan(plain_probes().largest(bad)));
  EXPECT_EQ(plain_probes().largest_of_rows(bad.slice(1, 0, 1))[0], 1);
  EXPECT_TRUE(std::isinf(plain_probes().largest(bad[0])));
}

TEST_P(PlainProbe, AgreesOnActivations) {
  const auto z = operand(64, 700, 1).to(GetParam());
  const auto g = operand(64, 700, 2).to(GetParam()) * 1e-3;
  expect_equal(formats_of(fused_probes(), z, false), {}, z, g);
  auto is_static = all_numbers();
  for (auto& format : is_static)
    if (format.number != nullptr) format.scales = {0.0173F};
  expect_equal(is_static, {}, z, g);
  expect_equal(is_static, {}, z.view({4, 16, 700}).transpose(0, 1),
               g.view({4, 16, 700}).transpose(0, 1));
}

TEST_P(PlainProbe, AgreesOnBlocksAlongAnyDimension) {
  const auto z = operand(60, 700, 1).to(GetParam()).view({3, 20, 70, 10});
  const auto g = operand(60, 700, 2).to(GetParam()).view({3, 20, 70, 10}) * 1e-3;
  const auto formats = formats_of(fused_probes(), z, false);
  for (const std::int64_t dimension : {-1, -2, 1}) {
    expect_equal(formats, {.dimension = dimension}, z, g);
    expect_equal(formats, {.dimension = dimension}, z.transpose(2, 3), g.transpose(2, 3));
    expect_equal(formats, {.dimension = dimension}, z.transpose(2, 3),
                 g.transpose(2, 3).contiguous());
  }
  expect_equal(formats, {.dimension = 1, .restart = 5}, z, g);
  expect_equal(formats, {.dimension = -2, .first = 37}, z, g);
  expect_equal(formats, {.dimension = -2, .first = 128}, z, g);
}

TEST_P(PlainProbe, AgreesOnRowsOfWeights) {
  auto w = operand(90, 500, 3);
  w[7].zero_();
  w[8] *= 1e-30;
  w = w.to(GetParam());
  const auto g = operand(90, 500, 4).to(GetParam());
  for (const bool per_channel : {false, true}) {
    const auto formats = formats_of(fused_probes(), w, per_channel);
    expect_equal(formats, {}, w, g);
    expect_equal(formats, {.first_row = 30}, w.narrow(0, 30, 25), g.narrow(0, 30, 25));
  }
}

TEST_P(PlainProbe, AddsNothingForAnEmptyOperand) {
  const auto empty = at::empty({0, 5}, GetParam());
  const auto probe = probe_of(plain_probes(), all_numbers(), {}, empty, empty);
  EXPECT_EQ(probe.sensitivity, 0);
}

INSTANTIATE_TEST_SUITE_P(Types, PlainProbe,
                         ::testing::Values(at::kFloat, at::kBFloat16, at::kDouble),
                         [](const auto& test) { return std::string(toString(test.param)); });

/// Observes and scores the same program on the CPU and on a device without fused kernels.
TEST(PlainProber, ScoresAsTheCpuDoes) {
  const fixture::StoredModel model({{"w", {{24, 32}, fixture::numbers(24 * 32, 1)}}});
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {16, 32});
  const auto w = graph.add_parameter("w", {24, 32});
  const auto y = graph.add_node("aten::linear", {x, w}, {16, 24}, "linear");
  const auto t = graph.add_node("aten::t", {y}, {24, 16}, "t");
  const auto product = graph.add_node("aten::matmul", {y, t}, {16, 16}, "product");
  const auto square = graph.add_node("aten::square", {product}, {16, 16}, "square");
  graph.outputs = {graph.add_node("aten::mean", {square}, {}, "loss")};
  const auto ops = graph::quantizable_ops(graph);
  const auto inputs = [] {
    return fixture::inputs_of({at::tensor(fixture::numbers(16 * 32, 2)).view({16, 32})});
  };
  const auto toy = fixture::toy_device();
  const auto score = [&](const Device& device) {
    Parameters parameters(model.model(), device, Precision::fp32);
    Program observed(lower::observe(graph, ops), parameters);
    const auto maxima = fixture::with_weights(graph, parameters, observe(observed, inputs(), ops));
    Prober prober(lower::probe(graph, ops), ops, parameters, all_formats(), maxima);
    return std::pair(maxima, prober.probe(inputs()));
  };
  const auto [maxima, expected] = score(devices().at("cpu"));
  const auto [toy_maxima, actual] = score(toy);
  EXPECT_EQ(toy_maxima, maxima);
  expect_plain_as_fused(actual, expected);
  for (const auto& operands : expected.operands)
    for (const auto& operand : operands) EXPECT_GT(operand.sensitivity, 0);
}

}  // namespace
}  // namespace gainsweep::execute

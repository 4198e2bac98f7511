// Programs lowered for CUDA, run by the CPU's kernels of the same operators, against fake-quantised
// numerics and exact products.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using graph::ElementType;
using graph::Graph;

constexpr std::int64_t batch = 2, tokens = 20, inputs_n = 96, outputs_n = 160;

const fixture::StoredModel& stored() {
  const auto weight = [](unsigned seed) {
    return fixture::Stored{{outputs_n, inputs_n}, fixture::numbers(outputs_n * inputs_n, seed)};
  };
  static const fixture::StoredModel model(
      {{"b", {{outputs_n}, fixture::numbers(outputs_n, 2)}}, {"w", weight(1)}, {"v", weight(3)}});
  return model;
}

/// Two layers of one value, one with a bias, and their product.
Graph two_layers() {
  Graph graph;
  graph.name = "two layers";
  const auto x = graph.add_input("x", ElementType::real, {batch, tokens, inputs_n});
  const graph::Shape shape{batch, tokens, outputs_n};
  const auto w = graph.add_parameter("w", {outputs_n, inputs_n});
  const auto v = graph.add_parameter("v", {outputs_n, inputs_n});
  const auto b = graph.add_parameter("b", {outputs_n});
  const auto gate = graph.add_node("aten::linear", {x, w, b}, shape, "gate");
  const auto up = graph.add_node("aten::linear", {x, v}, shape, "up");
  graph.outputs = {graph.add_node("aten::mul.Tensor", {gate, up}, shape, "product")};
  return graph;
}

struct Case {
  std::string format;
  bool dynamic = false;
  bool per_channel = false;
  bool fast = false;
};

void PrintTo(const Case& which, std::ostream* out) {
  *out << which.format << (which.dynamic ? " dynamic" : " static")
       << (which.per_channel ? " per channel" : "") << (which.fast ? " fast" : "");
}

at::Tensor activation() {
  return at::tensor(fixture::numbers(batch * tokens * inputs_n, 7))
             .view({batch, tokens, inputs_n}) *
         3;
}

class LoweredToCuda : public ::testing::TestWithParam<Case> {
 protected:
  LoweredToCuda() : formats_{format::by_name("bf16"), format::by_name(GetParam().format)} {
    using format::Granularity, format::ScaleRule;
    auto& low = formats_[1];
    low.activation->scale = GetParam().dynamic ? ScaleRule::dynamic_max : ScaleRule::static_max;
    low.weight.granularity = GetParam().per_channel ? Granularity::channel : Granularity::tensor;
  }

  Graph lowered() const {
    const auto* target = GetParam().fast ? "cuda_fast" : "cuda";
    return lower::lower(graph_, partition_, low_, formats_, maxima_, lower::targets().at(target));
  }
  Graph emulated() const {
    return lower::fake_quantize(graph_, partition_.ops, low_, formats_, maxima_);
  }

  static at::Tensor run(const Graph& graph, Precision precision) {
    auto parameters = stored().parameters(precision);
    Program program(graph, parameters);
    const auto out = program.run(inputs_of({activation().to(to_scalar_type(precision))}));
    return at::tensor(out, at::kDouble).view({batch, tokens, outputs_n});
  }

  const Graph graph_ = two_layers();
  std::vector<format::Format> formats_;
  const graph::Partition partition_ = graph::partition(graph_, {}, 2);
  const graph::Assignment low_{FormatId{1}, FormatId{1}};
  const lower::Maxima maxima_ = [this] {
    auto parameters = stored().parameters();
    return fixture::with_weights(graph_, parameters, {{3.0F, 0.0F}, {3.0F, 0.0F}});
  }();
};

TEST_P(LoweredToCuda, EqualsFakeQuantisedNumerics) {
  for (const bool is_fp32 : {true, false}) {
    formats_[0].name = is_fp32 ? "fp32" : "bf16";
    const auto precision = is_fp32 ? Precision::fp32 : Precision::bf16;
    const auto got = run(lowered(), precision);
    // Codes are equal to the bit, so only orders and roundings of sums differ; of bf16 the operands
    // of the emulation, too, which are rounded to it once more.
    const auto expected = run(emulated(), precision);
    const double size = expected.abs().max().item<double>();
    const double worst = (got - expected).abs().max().item<double>() / size;
    EXPECT_LT(worst, is_fp32 ? 3e-6 : 0.02);
    EXPECT_GT((got - run(graph_, Precision::fp64)).abs().max().item<double>() / size, 1e-3)
        << "nothing was quantised";
  }
}

TEST_P(LoweredToCuda, EqualsTheEmulationInFp64) {
  formats_[0].name = "fp32";
  const auto got = run(lowered(), Precision::fp32), exact = run(emulated(), Precision::fp64);
  const auto errors = (got - exact).abs() / exact.abs().max();
  // A code of an element on a rounding boundary may be another one in fp64.
  EXPECT_LT(errors.median().item<double>(), 1e-6);
  EXPECT_LT(errors.max().item<double>(), 5e-3);
}

TEST_P(LoweredToCuda, CastsOnceForBothLayers) {
  ASSERT_EQ(partition_.subgraphs.size(), 1U);
  const auto graph = lowered();
  const auto count = [&](const std::string& beginning) {
    return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                         [&](const auto& node) { return node.op.starts_with(beginning); });
  };
  EXPECT_EQ(count("gainsweep::cast_to_"), 1);
  EXPECT_EQ(count("gainsweep::dynamic_scale"), GetParam().dynamic ? 1 : 0);
  EXPECT_EQ(count(GetParam().format == "int8" ? "aten::_int_mm" : "aten::_scaled_mm"), 2);
}

TEST_P(LoweredToCuda, MakesWeightsAndStaticScalesOnce) {
  auto parameters = stored().parameters(Precision::bf16);
  const Program program(lowered(), parameters);
  std::vector<std::string> ops;
  for (const auto& call : program.state().calls) ops.push_back(program.graph().nodes[call.node].op);
  for (const auto* once : {"gainsweep::encode_weight", "gainsweep::quantize_weight", "aten::t"})
    EXPECT_EQ(std::count(ops.begin(), ops.end(), once), 0) << once;
  const bool makes_scales = GetParam().dynamic;
  const auto scales = std::count(ops.begin(), ops.end(), "aten::repeat") +
                      std::count(ops.begin(), ops.end(), "aten::mul.Tensor") - 1;
  EXPECT_EQ(scales > 0, makes_scales && (GetParam().per_channel || GetParam().format == "int8"));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LoweredToCuda,
    ::testing::Values(Case{"fp8_e4m3"}, Case{.format = "fp8_e4m3", .dynamic = true},
                      Case{.format = "fp8_e4m3", .per_channel = true},
                      Case{.format = "fp8_e4m3", .dynamic = true, .per_channel = true},
                      Case{.format = "fp8_e4m3", .fast = true}, Case{"int8"},
                      Case{.format = "int8", .dynamic = true},
                      Case{.format = "int8", .per_channel = true},
                      Case{.format = "int8", .dynamic = true, .per_channel = true}));

}  // namespace
}  // namespace gainsweep::execute

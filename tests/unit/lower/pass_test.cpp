#include "lower/pass.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "graphs.hpp"
#include "lower/scales.hpp"
#include "unit/throws.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument;
using graphs::count;
using graphs::formats;
using graphs::gated;
using graphs::maxima;
using ::testing::ElementsAre;

/// The nodes' operators in order.
std::vector<std::string> ops_in(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.op);
  return names;
}

TEST(Observe, WatchesEachActivationOperandBeforeItsOp) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  ASSERT_EQ(ops.size(), 4U);
  const auto observed = observe(graph, ops);
  EXPECT_THAT(ops_in(observed),
              ElementsAre("gainsweep::observe", "gainsweep::probed_linear", "aten::silu",
                          "gainsweep::observe", "gainsweep::probed_linear", "aten::mul.Tensor",
                          "gainsweep::observe", "gainsweep::probed_linear", "aten::t",
                          "gainsweep::observe", "gainsweep::observe", "gainsweep::probed_matmul"));
  EXPECT_EQ(observed.nodes[10].arguments,
            (std::vector<Argument>{ops[3].operands[1].value, std::int64_t{3}, std::int64_t{1}}));
  EXPECT_EQ(observed.outputs, graph.outputs) << "values keep their ids";
}

TEST(Probe, ReplacesOpsByTheirProbedForms) {
  const auto graph = gated();
  const auto probed = probe(graph, graph::quantizable_ops(graph));
  EXPECT_THAT(ops_in(probed),
              ElementsAre("gainsweep::probed_linear", "aten::silu", "gainsweep::probed_linear",
                          "aten::mul.Tensor", "gainsweep::probed_linear", "aten::t",
                          "gainsweep::probed_matmul"));
  ASSERT_EQ(probed.nodes[0].arguments.size(), 4U);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(probed.nodes[0].arguments[2])) << "no bias";
  EXPECT_EQ(probed.nodes[6].arguments[2], Argument{std::int64_t{3}});
}

/// A short conv2d call takes the full arguments of aten::convolution.
TEST(Probe, WritesOutTheDefaultsOfConvolutions) {
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {1, 4, 8, 8});
  const auto w = graph.add_parameter("w", {6, 2, 3, 3});
  using Ints = std::vector<std::int64_t>;
  graph.outputs = {graph.add_node(
      "aten::conv2d",
      {x, w, std::monostate{}, Ints{2, 2}, std::int64_t{1}, Ints{1}, std::int64_t{2}}, {1, 6, 4, 4},
      "conv")};
  const auto probed = probe(graph, graph::quantizable_ops(graph));
  EXPECT_EQ(probed.nodes[0].op, "gainsweep::probed_convolution");
  EXPECT_EQ(probed.nodes[0].arguments,
            (std::vector<Argument>{x, w, std::monostate{}, Ints{2, 2}, Ints{1, 1}, Ints{1, 1},
                                   false, Ints{0, 0}, std::int64_t{2}, std::int64_t{0}}));
}

TEST(FakeQuantize, LeavesAnAllHighGraphAsItIs) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const auto same = fake_quantize(graph, ops, graph::Assignment(4), formats(), {});
  EXPECT_EQ(ops_in(same), ops_in(graph));
}

TEST(FakeQuantize, RoundsOperandsOfLoweredOpsOnceAValue) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  auto observed = maxima(ops);
  observed[1][0] = observed[0][0];
  const graph::Assignment int8(4, FormatId{1});
  const auto rounded = fake_quantize(graph, ops, int8, formats(), observed);
  // x of gate and up once, product, y, t; three weights.
  EXPECT_EQ(count(rounded, "gainsweep::fake_quantize"), 4U);
  EXPECT_EQ(count(rounded, "gainsweep::fake_quantize_weight"), 3U);
  const auto& first = rounded.nodes[0];
  EXPECT_EQ(first.op, "gainsweep::fake_quantize");
  EXPECT_EQ(std::get<std::string>(first.arguments[1]), "int8");
  const auto& scale = rounded.value(std::get<graph::ValueId>(first.arguments[2]));
  EXPECT_EQ(scale.kind, graph::ValueKind::constant);
  EXPECT_EQ(scale.type, graph::ElementType::fp32);
  EXPECT_THAT(scale.elements, ElementsAre(double{1.F / 127}));
}

TEST(StaticScale, TakesTheBackOffAndTheGridOfTheOperand) {
  const auto ops = graph::quantizable_ops(gated());
  auto format = format::by_name("fp8_e4m3_gaudi2");
  const Maxima maxima{{90, 90}};
  EXPECT_EQ(static_scale(*format.activation, ops[0], 0, 0, maxima), 16) << "90 is above 240 / 4";
  EXPECT_EQ(static_scale(format.weight, ops[0], 0, 1, maxima), 1) << "and below 240 / 2";
  format.weight.scale_grid = format.activation->scale_grid = "arbitrary";
  EXPECT_EQ(static_scale(*format.activation, ops[0], 0, 0, maxima), 1.5);
  EXPECT_EQ(static_scale(format.weight, ops[0], 0, 1, maxima), 0.75);
}

// Scales of the rounded activations of a graph, in the order of its nodes.
std::vector<double> scales(const graph::Graph& graph) {
  std::vector<double> all;
  for (const auto& node : graph.nodes)
    if (node.op == "gainsweep::fake_quantize")
      all.push_back(graph.value(std::get<graph::ValueId>(node.arguments[2])).elements.at(0));
  return all;
}

TEST(NextScales, AreOneUnitInTheLastPlaceLarger) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const auto rounded =
      fake_quantize(graph, ops, graph::Assignment(4, FormatId{1}), formats(), maxima(ops));
  const auto next = next_scales(rounded, formats());
  ASSERT_FALSE(scales(rounded).empty());
  ASSERT_EQ(scales(next).size(), scales(rounded).size());
  for (std::size_t i = 0; i < scales(next).size(); ++i) {
    const auto before = static_cast<float>(scales(rounded)[i]);
    EXPECT_EQ(scales(next)[i], std::nextafter(before, 2 * before));
  }
  EXPECT_EQ(ops_in(next), ops_in(rounded));
}

TEST(NextScales, LeaveFixedAndDynamicOnesAlone) {
  auto known = formats();
  known[1].activation->scale = format::ScaleRule::dynamic_max;
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  for (const std::size_t format : {0U, 1U}) {
    const auto rounded =
        fake_quantize(graph, ops, graph::Assignment(4, FormatId{format}), known, maxima(ops));
    EXPECT_EQ(scales(next_scales(rounded, known)), scales(rounded));
  }
  known[1].activation->scale = format::ScaleRule::fixed;
  const auto fixed = fake_quantize(graph, ops, graph::Assignment(4, FormatId{1}), known, {});
  ASSERT_FALSE(scales(fixed).empty());
  EXPECT_EQ(scales(next_scales(fixed, known)), scales(fixed));
}

TEST(FakeQuantize, TakesScaleRulesFromTheFormats) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  auto known = formats();
  known[2].activation->scale = format::ScaleRule::dynamic_max;
  known[2].activation->backoff = 0.25;
  known[2].weight.backoff = 0.5;
  known[2].weight.scale_grid = known[2].activation->scale_grid = "power_of_two";
  const auto rounded_with = [&](const Maxima& observed) {
    return fake_quantize(graph, ops, {FormatId{2}, {}, {}, {}}, known, observed);
  };
  const auto one = rounded_with({{0, 3}, {}, {}, {}});
  EXPECT_EQ(one.nodes[0].op, "gainsweep::fake_quantize_dynamic");
  EXPECT_EQ(one.nodes[0].arguments[2], Argument{0.25});
  EXPECT_EQ(one.nodes[0].arguments[3], Argument{"power_of_two"});
  EXPECT_EQ(one.nodes[1].op, "gainsweep::fake_quantize");
  const auto& scale = one.value(std::get<graph::ValueId>(one.nodes[1].arguments[2]));
  EXPECT_THAT(scale.elements, ElementsAre(1.0 / 64)) << "3 / (448 · 0.5), rounded up";
  known[2].weight.granularity = format::Granularity::channel;
  const auto by_channel = rounded_with({});
  EXPECT_EQ(by_channel.nodes[1].op, "gainsweep::fake_quantize_weight");
  EXPECT_EQ(by_channel.nodes[1].arguments[2], Argument{0.5});
  EXPECT_EQ(by_channel.nodes[1].arguments[3], Argument{"power_of_two"});
}

TEST(FakeQuantize, RoundsInBlocksAlongWhatProductsSumOver) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const std::vector<format::Format> known{format::by_name("bf16"), format::by_name("mxfp4"),
                                          format::by_name("nvfp4"), format::by_name("w4a16_g32")};
  const auto linear = fake_quantize(graph, ops, {FormatId{2}, {}, {}, {}}, known, {{7, 3}});
  EXPECT_EQ(linear.nodes[0].op, "gainsweep::fake_quantize_blocks");
  EXPECT_EQ(linear.nodes[0].arguments[1], Argument{"nvfp4"});
  EXPECT_EQ(linear.nodes[0].arguments[2], Argument{std::int64_t{-1}});
  const auto units = [&](const graph::Node& node) {
    return linear.value(std::get<graph::ValueId>(node.arguments[5])).elements.at(0);
  };
  EXPECT_EQ(units(linear.nodes[0]), 384) << "448 · 6 / 7";
  EXPECT_EQ(units(linear.nodes[1]), 896) << "448 · 6 / 3";
  const auto next = next_scales(linear, known);
  EXPECT_NE(next.nodes[0].arguments[5], linear.nodes[0].arguments[5]);
  EXPECT_EQ(next.nodes[1].arguments[5], linear.nodes[1].arguments[5]) << "a weight's";

  const auto product = fake_quantize(graph, ops, {{}, {}, {}, FormatId{1}}, known, {});
  EXPECT_EQ(count(product, "gainsweep::fake_quantize_blocks"), 2U);
  std::vector<Argument> dimensions;
  for (const auto& node : product.nodes)
    if (node.op == "gainsweep::fake_quantize_blocks") dimensions.push_back(node.arguments[2]);
  EXPECT_THAT(dimensions, ElementsAre(Argument{std::int64_t{-1}}, Argument{std::int64_t{-2}}));
  EXPECT_EQ(count(next_scales(product, known), "gainsweep::fake_quantize_blocks"), 2U);
}

TEST(FakeQuantize, LeavesActivationsHighWhereWeightsAloneAreLow) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const std::vector<format::Format> known{format::by_name("bf16"), format::by_name("w4a16_g32")};
  const auto linear = fake_quantize(graph, ops, {FormatId{1}, {}, {}, {}}, known, {});
  EXPECT_EQ(count(linear, "gainsweep::fake_quantize_blocks"), 1U);
  EXPECT_EQ(linear.nodes[1].arguments[0], graph.nodes[0].arguments[0]);
  const auto product = fake_quantize(graph, ops, {{}, {}, {}, FormatId{1}}, known, {});
  EXPECT_EQ(count(product, "gainsweep::fake_quantize_blocks"), 0U);
}

/// What a plan's losses differ by at the next scales is of activations' rounding alone.
TEST(NextScales, LeaveWeightsAlone) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const graph::Assignment gate{FormatId{2}, {}, {}, {}};
  const auto rounded = fake_quantize(graph, ops, gate, formats(), {{3, 5}, {}, {}, {}});
  const auto before = scales(rounded), after = scales(next_scales(rounded, formats()));
  ASSERT_EQ(before.size(), 2U) << "x and the weight";
  EXPECT_GT(after[0], before[0]);
  EXPECT_EQ(after[1], before[1]);
}

/// bf16 as a low format has scale 1, weights included.
TEST(FakeQuantize, RoundsFormatsOfFixedScaleWithoutMaxima) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  const std::vector<format::Format> known{format::by_name("bf16"), format::by_name("bf16")};
  const auto rounded = fake_quantize(graph, ops, {FormatId{1}, {}, {}, {}}, known, {});
  EXPECT_EQ(count(rounded, "gainsweep::fake_quantize"), 2U);
  for (const auto n : {0, 1}) {
    const auto& scale = rounded.value(std::get<graph::ValueId>(rounded.nodes[n].arguments[2]));
    EXPECT_THAT(scale.elements, ElementsAre(1.0));
  }
  EXPECT_EQ(rounded.nodes[0].arguments[2], rounded.nodes[1].arguments[2]) << "one constant";
}

TEST(FakeQuantize, RefusesStaticScalesWithoutMaxima) {
  const auto graph = gated();
  const auto ops = graph::quantizable_ops(graph);
  EXPECT_ERROR(fake_quantize(graph, ops, graph::Assignment(4, FormatId{1}), formats(), {}),
               ErrorKind::internal, "has no observed maximum for operand");
  EXPECT_ERROR(fake_quantize(graph, ops, graph::Assignment(3), formats(), {}), ErrorKind::internal,
               "an assignment of 3 formats for 4 ops");
  EXPECT_ERROR(fake_quantize(graph, ops, graph::Assignment(4, FormatId{9}), formats(), {}),
               ErrorKind::internal, "format 9 in an assignment");
}

}  // namespace
}  // namespace gainsweep::lower

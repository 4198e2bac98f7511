#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "graphs.hpp"
#include "lower/pass.hpp"
#include "toy_target.hpp"
#include "unit/throws.hpp"

namespace gainsweep::lower {
namespace {

using graphs::count;
using graphs::formats;
using graphs::gated;
using ::testing::ElementsAre;

constexpr FormatId int8{1};
constexpr FormatId fp8{2};

const Target& onednn() {
  return targets().at("onednn");
}

/// Maxima that agree where ops read the same value, as observed ones do.
Maxima observed(const std::vector<graph::Op>& ops) {
  auto result = graphs::maxima(ops);
  result[1][0] = result[0][0];
  return result;
}

graph::Graph lowered(const graph::Assignment& assignment, graph::PartitionRule rule) {
  const auto graph = gated();
  graph::PartitionSpec spec;
  spec.rule = rule;
  const auto partition = graph::partition(graph, spec, 3);
  return lower(graph, partition, assignment, formats(), observed(partition.ops), onednn());
}

TEST(Lower, SharesQuantiseNodesInsideASubgraph) {
  const graph::Assignment linear_int8{int8, int8, int8, high_format};
  const auto graph = lowered(linear_int8, graph::PartitionRule::sequential);
  EXPECT_EQ(count(graph, "gainsweep::quantize"), 2U) << "gate and up share one, down has its own";
  EXPECT_EQ(count(graph, "onednn::qlinear_pointwise.tensor"), 3U);
  EXPECT_EQ(count(graph, "aten::matmul"), 1U);
}

TEST(Lower, SharesNoQuantiseNodeAcrossSubgraphs) {
  const graph::Assignment linear_int8{int8, int8, int8, high_format};
  const auto graph = lowered(linear_int8, graph::PartitionRule::single);
  EXPECT_EQ(count(graph, "gainsweep::quantize"), 3U);
}

TEST(Lower, QuantisesOnlyForLoweredOps) {
  const auto graph =
      lowered({high_format, int8, high_format, high_format}, graph::PartitionRule::sequential);
  EXPECT_EQ(count(graph, "gainsweep::quantize"), 1U);
  EXPECT_EQ(count(graph, "onednn::qlinear_pointwise.tensor"), 1U);
  EXPECT_EQ(count(graph, "mkldnn::_linear_pointwise"), 2U);
}

/// The fair baseline: high layers run on packed weights too.
TEST(Lower, PacksTheWeightsOfHighLayers) {
  const auto graph = lowered(graph::Assignment(4), graph::PartitionRule::sequential);
  EXPECT_EQ(count(graph, "mkldnn::_reorder_linear_weight"), 3U);
  EXPECT_EQ(count(graph, "mkldnn::_linear_pointwise"), 3U);
  EXPECT_EQ(count(graph, "aten::linear"), 0U);
}

TEST(Lower, PacksWeightsThatAreComputedFromParameters) {
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {2, 8});
  const auto w = graph.add_node("aten::t", {graph.add_parameter("w", {8, 4})}, {4, 8}, "t");
  graph.outputs = {graph.add_node("aten::linear", {x, w}, {2, 4}, "layer")};
  const auto partition = graph::partition(graph, {}, 3);
  const auto with = [&](FormatId format) {
    return lower(graph, partition, {format}, formats(), {{1.0F, 0}}, onednn());
  };
  EXPECT_EQ(count(with(high_format), "mkldnn::_reorder_linear_weight"), 1U);
  EXPECT_EQ(count(with(int8), "onednn::qlinear_prepack"), 1U);
  const auto rounded = fake_quantize(graph, partition.ops, {int8}, formats(), {{1.0F, 0}});
  EXPECT_EQ(count(rounded, "gainsweep::fake_quantize_weight"), 1U);
  EXPECT_EQ(count(observe(graph, partition.ops), "gainsweep::observe"), 1U);
}

TEST(Lower, TakesDynamicScalesFromTheQuantiseNode) {
  const auto graph = gated();
  const auto partition = graph::partition(graph, {}, 3);
  auto known = formats();
  known[1].activation->scale = format::ScaleRule::dynamic_max;
  const auto result = lower(graph, partition, {int8, int8, int8, high_format}, known, {}, onednn());
  EXPECT_EQ(count(result, "gainsweep::quantize_dynamic"), 2U);
  EXPECT_EQ(count(result, "onednn::qlinear_pointwise.tensor"), 3U);
}

TEST(Lower, WritesStaticScalesAsSharedConstants) {
  const auto graph = lowered({int8, int8, int8, high_format}, graph::PartitionRule::single);
  std::vector<double> scales;
  std::set<std::size_t> values;
  for (const auto& node : graph.nodes) {
    if (node.op != "gainsweep::quantize") continue;
    const auto id = std::get<graph::ValueId>(node.arguments.at(1));
    EXPECT_EQ(graph.value(id).kind, graph::ValueKind::constant);
    EXPECT_EQ(graph.value(id).type, graph::ElementType::fp32);
    scales.push_back(graph.value(id).elements.at(0));
    values.insert(id.index);
  }
  EXPECT_THAT(scales, ElementsAre(1.0F / 127, 1.0F / 127, 1.2F / 127)) << "gate, up, down";
  EXPECT_EQ(values.size(), 2U) << "equal scales are one constant";
}

TEST(Lower, RefusesFormatsThatTheCpuDoesNotRun) {
  try {
    lowered({fp8, high_format, high_format, high_format}, graph::PartitionRule::sequential);
    FAIL() << "fp8 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_STREQ(
        error.what(),
        "op gate cannot run in fp8_e4m3 on target onednn (it would be emulated there, and "
        "the time of an emulation means nothing; real low formats of this kind of op: "
        "int8, uint8). Leave it high in the time objective, or use a device that has the format");
  }
}

TEST(Lower, WritesProductsOfActivationsOverSignedCodes) {
  const auto graph =
      lowered({high_format, high_format, high_format, int8}, graph::PartitionRule::sequential);
  EXPECT_EQ(count(graph, "gainsweep::quantize"), 2U) << "an operand each";
  EXPECT_EQ(count(graph, "gainsweep::int8_matmul"), 1U);
  EXPECT_EQ(count(graph, "aten::matmul"), 0U);
  for (const auto& node : graph.nodes)
    if (node.op == "gainsweep::quantize") {
      EXPECT_EQ(std::get<std::int64_t>(node.arguments.at(3)), 0) << "their zero point";
    }
}

TEST(Lower, SharesNoCodesBetweenSignedAndUnsigned) {
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {8, 8});
  const auto w = graph.add_parameter("w", {8, 8});
  const auto a = graph.add_node("aten::linear", {x, w}, {8, 8}, "a");
  const auto b = graph.add_node("aten::matmul", {x, x}, {8, 8}, "b");
  graph.outputs = {graph.add_node("aten::add.Tensor", {a, b}, {8, 8}, "sum")};
  const auto partition = graph::partition(graph, {}, 3);
  ASSERT_EQ(partition.subgraphs.size(), 1U);
  const Maxima maxima{{1.0F, 1.0F}, {1.0F, 1.0F}};
  const auto lowered = lower(graph, partition, {int8, int8}, formats(), maxima, onednn());
  EXPECT_EQ(count(lowered, "gainsweep::quantize"), 2U) << "at zero points 128 and 0";
}

TEST(Target, OffersRealFormatsByKindOfOp) {
  const auto ops = graph::quantizable_ops(gated());
  EXPECT_THAT(real_formats(onednn(), ops[0], formats()), ElementsAre(high_format, int8));
  EXPECT_THAT(real_formats(onednn(), ops[3], formats()), ElementsAre(high_format, int8));
}

TEST(Target, OffersNoFormatForALinearLayerOfActivations) {
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {4, 8});
  const auto w = graph.add_input("w", graph::ElementType::real, {8, 8});
  graph.outputs = {graph.add_node("aten::linear", {x, w}, {4, 8}, "dynamic")};
  const auto ops = graph::quantizable_ops(graph);
  ASSERT_EQ(ops.size(), 1U);
  EXPECT_THAT(real_formats(onednn(), ops[0], formats()), ElementsAre(high_format))
      << "its weight cannot be packed ahead";
}

/// A convolution by kernels of 3 that keeps the image's shape.
graph::Graph convolution(const graph::Shape& image, std::int64_t groups) {
  graph::Graph graph;
  const auto dimensions = image.size() - 2;
  graph::Shape kernel{image[1], image[1] / groups};
  kernel.resize(image.size(), 3);
  const auto x = graph.add_input("x", graph::ElementType::real, image);
  const std::vector<std::int64_t> ones(dimensions, 1);
  graph.outputs = {graph.add_node(
      "aten::conv" + std::to_string(dimensions) + "d",
      {x, graph.add_parameter("w", kernel), std::monostate{}, ones, ones, ones, groups}, image,
      "layer")};
  return graph;
}

TEST(Convolutions, RunOnPackedWeightsInBothFormats) {
  const auto graph = convolution({1, 8, 6, 6}, 2);
  const auto partition = graph::partition(graph, {}, 3);
  EXPECT_THAT(real_formats(onednn(), partition.ops[0], formats()), ElementsAre(high_format, int8));
  const auto with = [&](FormatId format) {
    return lower(graph, partition, {format}, formats(), {{1.0F, 0}}, onednn());
  };
  EXPECT_EQ(count(with(high_format), "mkldnn::_reorder_convolution_weight"), 1U);
  EXPECT_EQ(count(with(high_format), "mkldnn::_convolution_pointwise"), 1U);
  EXPECT_EQ(count(with(int8), "gainsweep::quantize"), 1U);
  EXPECT_EQ(count(with(int8), "onednn::qconv_prepack"), 1U);
  EXPECT_EQ(count(with(int8), "onednn::qconv_pointwise.tensor"), 1U);
}

TEST(Convolutions, OfSingleChannelsStayHigh) {
  const auto graph = convolution({1, 8, 6, 6}, 8);
  const auto partition = graph::partition(graph, {}, 3);
  EXPECT_THAT(real_formats(onednn(), partition.ops[0], formats()), ElementsAre(high_format));
  const auto high = lower(graph, partition, {high_format}, formats(), {}, onednn());
  EXPECT_EQ(count(high, "mkldnn::_convolution_pointwise"), 1U) << "on a packed weight too";
}

TEST(Convolutions, RunInAnyNumberOfDimensions) {
  for (const graph::Shape& image : {graph::Shape{1, 8, 6}, graph::Shape{1, 8, 6, 6, 6}}) {
    const auto graph = convolution(image, 1);
    const auto partition = graph::partition(graph, {}, 3);
    EXPECT_THAT(real_formats(onednn(), partition.ops[0], formats()),
                ElementsAre(high_format, int8));
    const auto high = lower(graph, partition, {high_format}, formats(), {}, onednn());
    EXPECT_EQ(count(high, "mkldnn::_convolution_pointwise"), 1U);
    EXPECT_EQ(count(high, "aten::squeeze.dim"), image.size() == 3 ? 1U : 0U) << "an image of a row";
  }
}

TEST(Convolutions, WithoutABatchAreLeftAsTheyAreInHigh) {
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {8, 6, 6});
  graph.outputs = {graph.add_node("aten::conv2d", {x, graph.add_parameter("w", {4, 8, 1, 1})},
                                  {4, 6, 6}, "layer")};
  const auto partition = graph::partition(graph, {}, 3);
  const auto high = lower(graph, partition, {high_format}, formats(), {}, onednn());
  EXPECT_EQ(count(high, "aten::conv2d"), 1U);
}

/// A graph of which two matmuls of one sub-graph read the same value.
struct TwoProducts {
  graph::Graph graph;
  graph::Partition partition;

  TwoProducts() {
    const auto x = graph.add_input("x", graph::ElementType::real, {4, 4});
    const auto a = graph.add_node("aten::matmul", {x, x}, {4, 4}, "a");
    const auto y = graph.add_input("y", graph::ElementType::real, {4, 4});
    const auto b = graph.add_node("aten::matmul", {x, y}, {4, 4}, "b");
    graph.outputs = {graph.add_node("aten::add.Tensor", {a, b}, {4, 4}, "sum")};
    partition = graph::partition(graph, {}, 3);
  }
};

TEST(ToyTarget, IsARowAndSharesCodesAsAnyTarget) {
  const auto toy = toy_target();
  const TwoProducts two;
  ASSERT_EQ(two.partition.subgraphs.size(), 1U);
  EXPECT_THAT(real_formats(toy, two.partition.ops[0], formats()), ElementsAre(high_format, int8));
  EXPECT_THAT(real_formats(toy, graph::quantizable_ops(gated())[0], formats()),
              ElementsAre(high_format))
      << "a linear layer";
  const Maxima maxima{{1.0F, 1.0F}, {1.0F, 2.0F}};
  const auto graph = lower(two.graph, two.partition, {int8, int8}, formats(), maxima, toy);
  EXPECT_EQ(count(graph, "aten::round"), 2U) << "x at one scale, and y";
  const auto plain = lower(two.graph, two.partition, {{}, {}}, formats(), {}, toy);
  EXPECT_EQ(plain.nodes.size(), two.graph.nodes.size());
}

}  // namespace
}  // namespace gainsweep::lower

#include "lower/fuse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "graphs.hpp"
#include "unit/throws.hpp"

namespace gainsweep::lower {
namespace {

using graph::ElementType, graph::ValueId;
using graphs::count;
using graphs::formats;
using ::testing::ElementsAre;

graph::Partition partition_of(const graph::Graph& graph) {
  return graph::partition(graph, {.fused = graph::FusedLayers::all}, 3);
}

const graph::Node& node_of(const Fused& fused, std::size_t op) {
  return fused.graph.node(fused.partition.ops.at(op).node);
}

std::vector<std::string> ops_in(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.op);
  return names;
}

TEST(Fuse, WritesAGroupAsOneLayerWithSlices) {
  const auto graph = graphs::gated();
  const auto partition = partition_of(graph);
  const auto fused = fuse(graph, partition);
  EXPECT_THAT(
      ops_in(fused.graph),
      ElementsAre("aten::cat", "aten::linear", "aten::slice.Tensor", "aten::slice.Tensor",
                  "aten::silu", "aten::mul.Tensor", "aten::linear", "aten::t", "aten::matmul"));
  ASSERT_EQ(fused.partition.ops.size(), 3U);
  const auto& both = fused.partition.ops[0];
  EXPECT_EQ(both.path, "{gate,up}");
  EXPECT_EQ(both.weight_channels, 16);
  EXPECT_EQ(both.weight_elements, 16 * 8);
  EXPECT_EQ(both.run_macs, 4 * 8 * 16);
  EXPECT_EQ(fused.graph.value(node_of(fused, 0).outputs[0]).shape, (graph::Shape{4, 16}));
  EXPECT_THAT(fused.parts, ElementsAre(ElementsAre(OpId{0}, OpId{1}), ElementsAre(OpId{2}),
                                       ElementsAre(OpId{3})));
  for (const auto& subgraph : fused.partition.subgraphs) EXPECT_TRUE(subgraph.fused.empty());
  EXPECT_THAT(fused.partition.subgraphs[0].ops, ElementsAre(OpId{0}));
  EXPECT_EQ(fused.partition.subgraphs.size(), partition.subgraphs.size());
}

TEST(Fuse, LeavesAGraphWithoutGroupsAsItIs) {
  const auto graph = graphs::gated();
  const auto partition = graph::partition(graph, {}, 3);
  const auto fused = fuse(graph, partition);
  EXPECT_EQ(ops_in(fused.graph), ops_in(graph));
  EXPECT_EQ(fused.parts.size(), partition.ops.size());
  EXPECT_EQ(fused.partition.subgraphs[0].ties, partition.subgraphs[0].ties);
}

/// Two layers, the second over rows that are cut after the first has run, one of them biased.
TEST(Fuse, MovesWhatWeightsAreComputedFromAndFillsBiasesWithZeros) {
  graph::Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, 3, 8});
  const auto first = graph.add_node(
      "aten::linear", {x, graph.add_parameter("a", {4, 8}), graph.add_parameter("b", {4})},
      {2, 3, 4}, "first");
  const auto activated = graph.add_node("aten::silu", {first}, {2, 3, 4}, "silu");
  const auto rows = graph.add_node(
      "aten::slice.Tensor",
      {graph.add_parameter("all", {12, 8}), std::int64_t{0}, std::int64_t{8}, std::int64_t{12}},
      {4, 8}, "rows");
  const auto second = graph.add_node("aten::linear", {x, rows}, {2, 3, 4}, "second");
  graph.nodes.back().needed = 1;
  graph.outputs = {graph.add_node("aten::mul.Tensor", {activated, second}, {2, 3, 4}, "product")};
  const auto fused = fuse(graph, partition_of(graph));
  EXPECT_THAT(
      ops_in(fused.graph),
      ElementsAre("aten::slice.Tensor", "aten::cat", "aten::cat", "aten::linear",
                  "aten::slice.Tensor", "aten::slice.Tensor", "aten::silu", "aten::mul.Tensor"));
  const auto bias = std::get<ValueId>(node_of(fused, 0).arguments.at(2));
  const auto& parts = std::get<std::vector<ValueId>>(
      fused.graph.node(*fused.graph.value(bias).producer).arguments[0]);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(fused.graph.value(parts[0]).name, "b");
  EXPECT_THAT(fused.graph.value(parts[1]).elements, ElementsAre(0, 0, 0, 0));
  const auto& slice = fused.graph.node(*fused.graph.value(second).producer);
  EXPECT_EQ(slice.arguments[1], graph::Argument{std::int64_t{2}});
  EXPECT_EQ(slice.arguments[2], graph::Argument{std::int64_t{4}});
  EXPECT_EQ(slice.arguments[3], graph::Argument{std::int64_t{8}});
}

TEST(Fuse, TakesOneFormatAndTheLargestMaxima) {
  const auto graph = graphs::gated();
  const auto partition = partition_of(graph);
  const auto made = fuse(graph, partition);
  EXPECT_THAT(fused(graph::Assignment{{1}, {1}, {2}, {0}}, made),
              ElementsAre(FormatId{1}, FormatId{2}, FormatId{0}));
  EXPECT_ERROR(fused(graph::Assignment{{1}, {0}, {2}, {0}}, made), ErrorKind::internal,
               "the ops of {gate,up} take different formats");
  const Maxima maxima{{2, 3}, {2, 5}, {1, 7}, {1, 1}};
  EXPECT_THAT(fused(maxima, made),
              ElementsAre(ElementsAre(2, 5), ElementsAre(1, 7), ElementsAre(1, 1)));
  EXPECT_TRUE(fused(Maxima{}, made).empty());
  auto joined = maxima;
  join_weights(joined, partition);
  EXPECT_EQ(joined, (Maxima{{2, 5}, {2, 5}, {1, 7}, {1, 1}}));
  join_weights(joined = maxima, graph::partition(graph, {}, 3));
  EXPECT_EQ(joined, maxima);
}

TEST(Fuse, IsWhatTargetsLower) {
  const auto graph = graphs::gated();
  const auto partition = partition_of(graph);
  const Maxima maxima{{1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const auto lowered = [&](FormatId format, const char* target) {
    const graph::Assignment low{format, format, format, high_format};
    const std::vector<format::Format> known{format::by_name("bf16"), format::by_name("int8"),
                                            format::by_name("fp8_e4m3_gaudi2")};
    return lower(graph, partition, low, known, maxima, targets().at(target));
  };
  const auto high = lowered(high_format, "onednn");
  EXPECT_EQ(count(high, "mkldnn::_linear_pointwise"), 2U) << "the baseline is fused too";
  const auto int8 = lowered({1}, "onednn");
  EXPECT_EQ(count(int8, "onednn::qlinear_prepack"), 2U);
  EXPECT_EQ(count(int8, "gainsweep::quantize"), 2U);
  const auto fp8 = lowered({2}, "gaudi2");
  EXPECT_EQ(count(fp8, "gainsweep::encode_weight"), 2U);
  EXPECT_EQ(count(fp8, "hpu::fp8_gemm_v2.scalar"), 2U);
}

}  // namespace
}  // namespace gainsweep::lower

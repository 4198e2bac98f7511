#include "lower/attention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graphs.hpp"
#include "lower/pass.hpp"

namespace gainsweep::lower {
namespace {

using graph::Graph;
using graph::Shape;
using graph::ValueId;

constexpr std::int64_t batch = 1, groups = 2, heads = 3, tokens = 5, size = 4;

/// What an attention is made of, and what may keep it from being one.
struct Variant {
  bool stacks_heads = true;
  bool caps = false;
  bool only_bounds = false;
  bool mask_is_an_input = false;
  bool shows_weights = false;
  std::int64_t softmax_over = -1;
};

Graph attention_of(const Variant& variant) {
  Graph graph;
  graph.name = "attention";
  const auto rows = variant.stacks_heads ? heads * tokens : tokens;
  const Shape stacked{batch, groups, rows, tokens};
  const Shape split = variant.stacks_heads ? Shape{batch, groups * heads, tokens, tokens} : stacked;
  const auto real = graph::ElementType::real;
  const auto q = graph.add_input("q", real, {batch, groups, rows, size});
  const auto k = graph.add_input("k", real, {batch, groups, size, tokens});
  const auto v = graph.add_input("v", real, {batch, groups, tokens, size});
  const Shape square{tokens, tokens};
  const auto mask =
      variant.mask_is_an_input
          ? graph.add_input("mask", real, square)
          : graph.add_node("aten::triu", {graph.add_parameter("m", square)}, square, "mask");
  auto x = graph.add_node("aten::matmul", {q, k}, stacked, "qk");
  if (variant.caps || variant.only_bounds) x = graph.add_node("aten::tanh", {x}, stacked, "cap");
  if (variant.caps) x = graph.add_node("aten::mul.Scalar", {x, 30.0}, stacked, "cap");
  if (variant.stacks_heads) x = graph.add_node("aten::reshape", {x, split}, split, "split");
  x = graph.add_node("aten::add.Tensor", {x, mask}, split, "masked");
  x = graph.add_node("aten::softmax.int", {x, variant.softmax_over}, split, "softmax");
  if (variant.shows_weights) graph.outputs.push_back(x);
  if (variant.stacks_heads) x = graph.add_node("aten::reshape", {x, stacked}, stacked, "stack");
  graph.outputs.push_back(
      graph.add_node("aten::matmul", {x, v}, {batch, groups, rows, size}, "av"));
  return graph;
}

std::size_t found_in(const Variant& variant) {
  const auto graph = attention_of(variant);
  return attentions(graph, graph::quantizable_ops(graph)).size();
}

TEST(Attention, IsTwoProductsUnderAMask) {
  for (const bool stacks_heads : {true, false}) {
    const auto graph = attention_of({.stacks_heads = stacks_heads});
    const auto ops = graph::quantizable_ops(graph);
    const auto found = attentions(graph, ops);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].qk, 0U);
    EXPECT_EQ(found[0].av, 1U);
    EXPECT_EQ(found[0].query, graph.inputs[0]);
    EXPECT_EQ(found[0].key, graph.inputs[1]);
    EXPECT_EQ(found[0].value, graph.inputs[2]);
    EXPECT_EQ(found[0].nodes.size(), stacks_heads ? 5U : 3U);
    EXPECT_TRUE(found[0].mask_is_fixed);
    EXPECT_FALSE(found[0].cap);
  }
}

TEST(Attention, KnowsItsCapAndItsMask) {
  const auto capped = attention_of({.caps = true});
  const auto found = attentions(capped, graph::quantizable_ops(capped));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].cap, 30.0);
  const auto masked = attention_of({.mask_is_an_input = true});
  EXPECT_FALSE(attentions(masked, graph::quantizable_ops(masked)).at(0).mask_is_fixed);
}

TEST(Attention, IsNoneWhereSomethingElseStandsBetween) {
  EXPECT_EQ(found_in({.only_bounds = true}), 0U);
  EXPECT_EQ(found_in({.shows_weights = true}), 0U);
  EXPECT_EQ(found_in({.softmax_over = 2}), 0U);
  EXPECT_EQ(found_in({.softmax_over = 3}), 1U);
}

TEST(Probe, RunsAnAttentionAsOneCall) {
  const auto graph = attention_of({});
  const auto ops = graph::quantizable_ops(graph);
  const auto probed = probe(graph, ops);
  ASSERT_EQ(probed.nodes.size(), 2U);
  EXPECT_EQ(probed.nodes[0].op, "aten::triu");
  EXPECT_EQ(probed.nodes[1].op, "gainsweep::probed_attention");
  const auto mask = probed.nodes[0].outputs.front();
  EXPECT_EQ(probed.nodes[1].arguments,
            (std::vector<graph::Argument>{probed.inputs[0], probed.inputs[1], probed.inputs[2],
                                          mask, std::int64_t{0}, std::int64_t{1}}));
  EXPECT_EQ(probed.outputs, probed.nodes[1].outputs);
  EXPECT_EQ(graphs::count(observe(graph, ops), "gainsweep::probed_matmul"), 2U)
      << "maxima are those of whole operands";
  const auto masked = attention_of({.mask_is_an_input = true});
  EXPECT_EQ(
      graphs::count(probe(masked, graph::quantizable_ops(masked)), "gainsweep::probed_matmul"), 2U);
}

/// An attention's ops in one sub-graph, or in one each.
graph::Partition partition_of(const Graph& graph, bool together) {
  graph::Partition partition;
  partition.ops = graph::quantizable_ops(graph);
  partition.subgraphs.resize(together ? 1 : 2);
  partition.subgraphs.front().ops.push_back({0});
  partition.subgraphs.back().ops.push_back({1});
  return partition;
}

TEST(HighAttention, IsOneCallWhereBothProductsStayHigh) {
  const std::vector formats{format::by_name("bf16"), format::by_name("fp8_e5m2")};
  auto low = formats[1];
  low.activation->scale = format::ScaleRule::dynamic_max;
  const auto graph = attention_of({.caps = true, .mask_is_an_input = true});
  const auto ops = graph::quantizable_ops(graph);
  const auto high = fake_quantize(graph, ops, {{0}, {0}}, {formats[0], low}, {});
  ASSERT_EQ(high.nodes.size(), 1U);
  EXPECT_EQ(high.nodes[0].op, "gainsweep::attention");
  EXPECT_EQ(high.nodes[0].arguments,
            (std::vector<graph::Argument>{high.inputs[0], high.inputs[1], high.inputs[2],
                                          high.inputs[3], 30.0}));
  EXPECT_EQ(high.inputs.size(), graph.inputs.size());
  for (const graph::Assignment& one : {graph::Assignment{{1}, {0}}, graph::Assignment{{0}, {1}}})
    EXPECT_EQ(graphs::count(fake_quantize(graph, ops, one, {formats[0], low}, {}), "aten::matmul"),
              2U);
}

TEST(HighAttention, IsLoweredAsOneCallInsideASubgraph) {
  const auto graph = attention_of({});
  const std::vector formats{format::by_name("bf16")};
  const auto lowered = [&](bool together, bool joins) {
    auto target = targets().at("onednn");
    target.joins_attention = joins;
    return lower(graph, partition_of(graph, together), {{0}, {0}}, formats, {}, target);
  };
  EXPECT_EQ(graphs::count(lowered(true, true), "gainsweep::attention"), 1U);
  EXPECT_EQ(graphs::count(lowered(true, true), "aten::matmul"), 0U);
  EXPECT_EQ(graphs::count(lowered(false, true), "aten::matmul"), 2U);
  EXPECT_EQ(graphs::count(lowered(true, false), "aten::matmul"), 2U);
}

}  // namespace
}  // namespace gainsweep::lower

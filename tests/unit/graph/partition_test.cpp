#include "graph/partition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using Patterns = std::vector<std::string>;
using testing::ElementsAre;

TEST(Partition, OfALlamaBlockIsThePapers) {
  EXPECT_THAT(names(partition(llama(2), {}, 2)),
              ElementsAre("layers.0.attention.{q,k,v,qk,av}", "layers.0.attention.o",
                          "layers.0.mlp.{gate,up}", "layers.0.mlp.down",
                          "layers.1.attention.{q,k,v,qk,av}", "layers.1.attention.o",
                          "layers.1.mlp.{gate,up}", "layers.1.mlp.down", "lm_head"));
}

/// The mask comes from an input and flows into every product behind it: it is no op's result, so it
/// is neither a foreign ancestor nor an operand that others wait for.
TEST(Partition, OfAMaskedEncoderIsThatOfOneWithoutAMask) {
  const Sizes sizes;
  const auto encoder = [&](bool masked) {
    Graph graph{.name = "encoder"};
    ValueId x = graph.add_input("x", ElementType::real, {1, sizes.tokens, sizes.hidden});
    std::optional<ValueId> mask;
    if (masked) {
      mask = graph.add_input("mask", ElementType::real, {1, 1, 1, sizes.tokens});
      mask = unary(graph, "aten::neg", *mask);
    }
    for (const std::string path : {"layers.0", "layers.1"}) {
      const ValueId heads = attention(graph, x, sizes, path + ".attention", mask);
      x = add(graph, x, linear(graph, heads, sizes.hidden, path + ".attention.o"));
    }
    return names(partition(graph, {}, 2));
  };
  EXPECT_THAT(encoder(true),
              ElementsAre("layers.0.attention.{q,k,v,qk,av}", "layers.0.attention.o",
                          "layers.1.attention.{q,k,v,qk,av}", "layers.1.attention.o"));
  EXPECT_EQ(encoder(true), encoder(false));
}

TEST(Partition, OfParallelAttentionAndMlpIsOneSubgraphABlock) {
  Graph graph{.name = "parallel"};
  const Sizes sizes;
  ValueId x = graph.add_input("x", ElementType::real, {1, sizes.tokens, sizes.hidden});
  for (const std::string path : {"layers.0", "layers.1"}) {
    const ValueId heads = attention(graph, x, sizes, path + ".attention");
    const ValueId attended = linear(graph, heads, sizes.hidden, path + ".attention.o");
    x = add(graph, x, add(graph, attended, gated_mlp(graph, x, sizes, path + ".mlp")));
  }
  EXPECT_THAT(names(partition(graph, {}, 2)),
              ElementsAre("layers.0.{attention.q,attention.k,attention.v,attention.qk,attention.av,"
                          "attention.o,mlp.gate,mlp.up,mlp.down}",
                          "layers.1.{attention.q,attention.k,attention.v,attention.qk,attention.av,"
                          "attention.o,mlp.gate,mlp.up,mlp.down}"));
}

TEST(Partition, OfResidualBranchesFollowsTheLongerOne) {
  Graph graph;
  ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  x = linear(graph, x, 8, "stem");
  const ValueId inner = linear(graph, linear(graph, x, 8, "a"), 8, "b");
  x = add(graph, x, inner);  // an identity shortcut holds no op: a and b stay in sequence
  linear(graph, x, 8, "head");
  EXPECT_THAT(names(partition(graph, {}, 2)), ElementsAre("stem", "a", "b", "head"));
}

TEST(Partition, OfABottleneckTakesTheDownsampleShortcut) {
  Graph graph;
  ValueId x = graph.add_input("x", ElementType::real, {1, 8, 6, 6});
  x = conv2d(graph, x, 8, 3, 1, "stem");
  const ValueId shortcut = conv2d(graph, x, 16, 1, 1, "block.downsample");
  ValueId y = unary(graph, "aten::relu", conv2d(graph, x, 4, 1, 1, "block.reduce"));
  y = unary(graph, "aten::relu", conv2d(graph, y, 4, 3, 1, "block.spatial"));
  y = conv2d(graph, y, 16, 1, 1, "block.expand");
  conv2d(graph, unary(graph, "aten::relu", add(graph, y, shortcut)), 8, 1, 1, "next");
  EXPECT_THAT(names(partition(graph, {}, 2)),
              ElementsAre("stem", "block.{downsample,reduce,spatial,expand}", "next"));
}

/// x → (left, right) → left + right, in the named place.
ValueId diamond(Graph& graph, ValueId x, const std::string& path) {
  const ValueId left = linear(graph, x, 8, path + ".left");
  return add(graph, left, linear(graph, x, 8, path + ".right"));
}

TEST(Partition, OfADiamondOfDiamondsIsOneSubgraph) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId top = linear(graph, x, 8, "top");
  const ValueId a = diamond(graph, diamond(graph, top, "a.first"), "a.second");
  const ValueId b = diamond(graph, diamond(graph, top, "b.first"), "b.second");
  linear(graph, add(graph, a, b), 8, "bottom");
  const auto found = partition(graph, {}, 2);
  ASSERT_EQ(found.subgraphs.size(), 3U);
  EXPECT_EQ(found.subgraphs[1].ops.size(), 8U);
}

TEST(Partition, OfDiamondsInSequenceKeepsThemApart) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  diamond(graph, diamond(graph, x, "a"), "b");
  EXPECT_THAT(names(partition(graph, {}, 2)), ElementsAre("a.{left,right}", "b.{left,right}"));
}

TEST(Partition, LongSkipSpansWhatItSkips) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId stem = linear(graph, x, 8, "stem");
  const ValueId skip = linear(graph, stem, 8, "skip");
  const ValueId deep = linear(graph, linear(graph, stem, 8, "a"), 8, "b");
  linear(graph, add(graph, deep, skip), 8, "head");
  EXPECT_THAT(names(partition(graph, {}, 2)), ElementsAre("stem", "{skip,a,b}", "head"));
}

/// a and b side by side, then the matmul of what `left` and `right` make of them.
TEST(Partition, JoiningOpOfAnotherComponentMergesBoth) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId a = linear(graph, x, 8, "a");
  const ValueId b = linear(graph, x, 8, "b");
  const ValueId sum = add(graph, a, b);
  const ValueId joint = graph.add_node("aten::matmul", {a, b}, {8, 8}, "joint");
  linear(graph, add(graph, joint, linear(graph, sum, 8, "beside")), 8, "head");
  EXPECT_THAT(names(partition(graph, {}, 2)), ElementsAre("{a,b,joint,beside}", "head"));
}

TEST(Partition, JoiningNeedsSeveralOperandsFromOneComponent) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId stem = linear(graph, x, 8, "stem");
  const ValueId a = linear(graph, stem, 8, "a");
  const ValueId b = linear(graph, stem, 8, "b");
  const ValueId sum = add(graph, a, b);
  const ValueId square = graph.add_node("aten::matmul", {sum, sum}, {8, 8}, "square");
  const ValueId mixed = graph.add_node("aten::matmul", {square, stem}, {8, 8}, "mixed");
  graph.add_node("aten::matmul", {mixed, x}, {8, 8}, "input");
  EXPECT_THAT(names(partition(graph, {}, 2)),
              ElementsAre("stem", "{a,b}", "square", "mixed", "input"));
}

TEST(Partition, JoinedOpsLetFurtherOpsJoin) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId a = linear(graph, x, 8, "a");
  const ValueId b = linear(graph, x, 8, "b");
  const ValueId first = graph.add_node("aten::matmul", {a, b}, {8, 8}, "first");
  const ValueId second = graph.add_node("aten::bmm", {first, a}, {8, 8}, "second");
  linear(graph, second, 8, "head");
  EXPECT_THAT(names(partition(graph, {}, 2)), ElementsAre("{a,b,first,second}", "head"));
}

TEST(Partition, SharedWeightsDoNotOrderOps) {
  Graph graph;
  ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId weight = graph.add_parameter("w", {8, 8});
  for (const std::string path : {"first", "second", "third"}) {
    x = graph.add_node("aten::linear", {x, weight}, {8, 8}, path);
  }
  const auto found = partition(graph, {}, 2);
  EXPECT_THAT(names(found), ElementsAre("first", "second", "third"));
  EXPECT_EQ(found.classes.size(), 1U);
}

TEST(Partition, OfAGraphWithoutOpsIsEmpty) {
  Graph graph;
  unary(graph, "aten::relu", graph.add_input("x", ElementType::real, {8}));
  EXPECT_TRUE(partition(graph, {}, 2).subgraphs.empty());
}

TEST(Partition, ClassesHoldEqualSubgraphs) {
  const auto found = partition(llama(3), {}, 2);
  ASSERT_EQ(found.classes.size(), 5U);  // attention, o, gate and up, down, lm_head
  EXPECT_EQ(found.classes[0], (std::vector<SubgraphId>{{0}, {4}, {8}}));
  EXPECT_EQ(found.classes[4], (std::vector<SubgraphId>{{12}}));
  for (std::size_t i = 0; i < found.subgraphs.size(); ++i) {
    const auto& members = found.classes[found.subgraphs[i].cls.index];
    EXPECT_EQ(std::count(members.begin(), members.end(), SubgraphId{i}), 1);
  }
}

TEST(Partition, ClassesTellShapesAttributesWiringAndTiesApart) {
  Graph graph;
  ValueId x = graph.add_input("x", ElementType::real, {1, 8, 6, 6});
  x = conv2d(graph, x, 8, 3, 1, "plain");
  x = conv2d(graph, x, 8, 3, 8, "grouped");
  x = conv2d(graph, x, 8, 3, 1, "again");
  x = conv2d(graph, x, 8, 1, 1, "small");
  EXPECT_EQ(partition(graph, {}, 2).classes.size(), 3U);

  Graph wired;
  ValueId y = wired.add_input("y", ElementType::real, {8, 8});
  for (const bool swapped : {false, true}) {
    const std::string path = swapped ? "swapped" : "plain";
    const ValueId a = linear(wired, y, 8, path + ".a");
    const ValueId b = linear(wired, y, 8, path + ".b");
    y = wired.add_node("aten::matmul",
                       swapped ? std::vector<Argument>{b, a} : std::vector<Argument>{a, b}, {8, 8},
                       path + ".ab");
  }
  EXPECT_EQ(partition(wired, {}, 2).classes.size(), 2U);

  EXPECT_EQ(partition(llama(3), {.tie = Patterns{"layers.1.mlp.*"}}, 2).classes.size(), 6U);
}

TEST(Partition, HandlesTwoThousandOpsInSequence) {
  const Graph graph = llama(222);
  const auto found = partition(graph, {}, 4);
  EXPECT_EQ(found.ops.size(), 222U * 9 + 1);
  EXPECT_EQ(found.subgraphs.size(), 222U * 4 + 1);
  EXPECT_EQ(found.classes.size(), 5U);
}

TEST(Partition, HandlesTwoThousandOpsSideBySide) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId weight = graph.add_parameter("w", {8, 8});
  std::vector<ValueId> branches;
  for (int i = 0; i < 2000; ++i) {
    ValueId y = graph.add_node("aten::linear", {x, weight}, {8, 8}, "branch");
    for (int j = 0; j < 4; ++j) y = unary(graph, "aten::relu", y);
    branches.push_back(y);
  }
  graph.outputs = {graph.add_node("aten::stack", {branches}, {2000, 8, 8}, "")};
  const auto found = partition(graph, {.tie = Patterns{"branch"}}, 2);
  ASSERT_EQ(found.subgraphs.size(), 1U);
  EXPECT_EQ(found.subgraphs[0].ties.size(), 1U);
}

}  // namespace
}  // namespace gainsweep::graph

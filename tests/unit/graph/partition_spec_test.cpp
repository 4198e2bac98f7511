#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "graph/partition.hpp"
#include "models.hpp"
#include "unit/throws.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using Patterns = std::vector<std::string>;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PartitionSpec, SingleGivesEachOpItsOwn) {
  const auto found = partition(llama(1), {.rule = PartitionRule::single}, 2);
  EXPECT_EQ(found.subgraphs.size(), found.ops.size());
}

TEST(PartitionSpec, SplitTakesOpsOut) {
  EXPECT_THAT(
      names(partition(llama(1), {.split = {"*.v", "*.gate"}}, 2)),
      ElementsAre("layers.0.attention.{q,k,qk,av}", "layers.0.attention.v", "layers.0.attention.o",
                  "layers.0.mlp.gate", "layers.0.mlp.up", "layers.0.mlp.down", "lm_head"));
}

TEST(PartitionSpec, MergeJoinsWithinEachLayer) {
  const PartitionSpec spec{.merge = {{"layers.*.mlp.gate", "layers.*.mlp.down"}}};
  EXPECT_THAT(names(partition(llama(2), spec, 2)),
              ElementsAre("layers.0.attention.{q,k,v,qk,av}", "layers.0.attention.o",
                          "layers.0.mlp.{gate,up,down}", "layers.1.attention.{q,k,v,qk,av}",
                          "layers.1.attention.o", "layers.1.mlp.{gate,up,down}", "lm_head"));
}

TEST(PartitionSpec, MergeKeepsLayersApartWhereTheirMatchesTouch) {
  const PartitionSpec spec{.merge = {{"layers.*.attention.*", "layers.*.mlp.*"}}};
  const auto found = partition(llama(2), spec, 2);
  ASSERT_EQ(found.subgraphs.size(), 3U);
  EXPECT_EQ(found.subgraphs[0].ops.size(), 9U);
  EXPECT_EQ(found.subgraphs[0].cls, found.subgraphs[1].cls);
}

TEST(PartitionSpec, MergeWithoutAnInstanceWildcardJoinsAllMatches) {
  EXPECT_EQ(partition(llama(2), {.merge = {{"layers.1.*"}}}, 2).subgraphs.size(), 4U + 1 + 1);
  EXPECT_EQ(partition(llama(1), {.merge = {{"*"}}}, 2).subgraphs.size(), 1U);
}

TEST(PartitionSpec, MergeBuildsSubgraphsFromSingleOps) {
  const PartitionSpec spec{.rule = PartitionRule::single,
                           .merge = {{"layers.*.attention.q", "layers.*.attention.k"}}};
  EXPECT_THAT(names(partition(llama(1), spec, 2)), Contains("layers.0.attention.{q,k}"));
}

TEST(PartitionSpec, MergeOfDistantSubgraphsIsRefused) {
  EXPECT_THAT(refusal(llama(1), {.merge = {{"*.q", "*.gate"}}}), "");
  const PartitionSpec spec{.merge = {{"layers.*.attention.q", "layers.*.mlp.gate"}}};
  EXPECT_THAT(refusal(llama(1), spec),
              AllOf(HasSubstr("partition.merge[0]"), HasSubstr("`layers.0.attention.o` lies"),
                    HasSubstr("cannot be merged")));
}

TEST(PartitionSpec, PatternThatMatchesNothingIsRefusedWithAHint) {
  const std::vector<std::string> wrong{"layers.*.atention.q"};
  const Graph graph = llama(2);
  for (const auto& [key, spec] : std::vector<std::pair<std::string, PartitionSpec>>{
           {"partition.split", {.split = wrong}},
           {"partition.tie", {.tie = wrong}},
           {"partition.late", {.late = wrong}},
           {"partition.merge[1]", {.merge = {{"lm_head"}, wrong}}}}) {
    EXPECT_THAT(refusal(graph, spec), AllOf(HasSubstr(key + ":"), HasSubstr(wrong[0]),
                                            HasSubstr("Did you mean `layers.*.attention.q`?")));
  }
  EXPECT_THAT(refusal(graph, {.split = {"lm_haed"}}), HasSubstr("Did you mean `lm_head`?"));
  EXPECT_THAT(refusal(graph, {.split = {"nothing.like.it.at.all"}}), HasSubstr("such as"));
}

TEST(PartitionSpec, HostilePatternsEnd) {
  std::string stars;
  for (int i = 0; i < 40; ++i) stars += "*a";
  EXPECT_NE(refusal(llama(1), {.split = {stars + "z"}}), "");
  EXPECT_NE(refusal(llama(1), {.split = {""}}), "");
  EXPECT_NE(refusal(llama(1), {.split = {"["}}), "");
}

/// A router's experts side by side.
Graph experts(std::size_t count) {
  Graph graph;
  const Sizes sizes;
  const ValueId x = graph.add_input("x", ElementType::real, {1, 4, sizes.hidden});
  ValueId sum = linear(graph, x, sizes.hidden, "shared");
  const ValueId shared = sum;
  for (std::size_t i = 0; i < count; ++i) {
    sum = add(graph, sum, gated_mlp(graph, shared, sizes, "experts." + std::to_string(i)));
  }
  linear(graph, sum, sizes.hidden, "head");
  return graph;
}

TEST(PartitionSpec, LimitRefusesExpertsAndNamesTheWaysOut) {
  const Graph graph = experts(8);
  EXPECT_THAT(refusal(graph, {}),
              AllOf(HasSubstr("experts.{0.gate,0.up,0.down,1.gate"), HasSubstr("7.down}"),
                    HasSubstr("24 ops"), HasSubstr("2^24"), HasSubstr("limit of 1024"),
                    HasSubstr("split:"), HasSubstr("tie:"), HasSubstr("late:")));
  EXPECT_EQ(refusal(graph, {}, 1), "");
  EXPECT_EQ(refusal(experts(3), {.configuration_limit = 512}), "");
  EXPECT_NE(refusal(experts(3), {.configuration_limit = 511}), "");
  // 6^1200 overflows every integer, and nobody reads 1,200 names.
  EXPECT_THAT(refusal(experts(400), {}, 6),
              AllOf(HasSubstr("6^1200"), HasSubstr("with 1160 further ops")));
}

TEST(PartitionSpec, TieGivesExpertsOneFormatAPattern) {
  const auto found = partition(
      experts(8), {.tie = Patterns{"experts.*.gate", "experts.*.up", "experts.*.down"}}, 3);
  ASSERT_EQ(found.subgraphs.size(), 3U);
  const Subgraph& layer = found.subgraphs[1];
  ASSERT_EQ(layer.ties.size(), 3U);
  for (const auto& tie : layer.ties) EXPECT_EQ(tie.size(), 8U);
  EXPECT_EQ(layer.ties[0].front(), 0U);
  EXPECT_EQ(layer.ties[0][1], 3U);
}

TEST(PartitionSpec, OverlappingTiesAreOneTie) {
  const auto found = partition(llama(1), {.tie = Patterns{"*.[qk]", "*.[kv]"}}, 3);
  const std::vector<std::vector<std::size_t>> expected{{0, 1, 2}, {3}, {4}};
  EXPECT_EQ(found.subgraphs[0].ties, expected);
}

TEST(PartitionSpec, SplitFreesExperts) {
  EXPECT_EQ(partition(experts(8), {.split = {"experts.*"}}, 2).subgraphs.size(), 26U);
}

/// Cross-attention keys and values of all layers hang on a context, as a time embedding would.
Graph cross_attention() {
  Graph graph;
  const Sizes sizes;
  ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId context = graph.add_input("context", ElementType::real, {8, 8});
  for (const std::string layer : {"layers.0", "layers.1"}) {
    const ValueId q = linear(graph, x, 8, layer + ".q");
    const ValueId k = linear(graph, context, 8, layer + ".k");
    const ValueId v = linear(graph, context, 8, layer + ".v");
    const ValueId qk = graph.add_node("aten::matmul", {q, k}, {8, 8}, layer + ".qk");
    x = graph.add_node("aten::matmul", {unary(graph, "aten::softmax.int", qk), v}, {8, 8},
                       layer + ".av");
  }
  return graph;
}

TEST(PartitionSpec, LateOpsJoinTheirFirstConsumer) {
  const Graph graph = cross_attention();
  EXPECT_EQ(partition(graph, {}, 2).subgraphs.size(), 1U);
  EXPECT_THAT(names(partition(graph, {.late = {"*.k", "*.v"}}, 2)),
              ElementsAre("layers.0.q", "layers.0.{k,qk}", "layers.0.{v,av}", "layers.1.q",
                          "layers.1.{k,qk}", "layers.1.{v,av}"));
}

TEST(PartitionSpec, LateChainsJoinTogetherAndLateOutputsStayAlone) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId t = graph.add_input("t", ElementType::real, {8, 8});
  const ValueId time = linear(graph, linear(graph, t, 8, "time.0"), 8, "time.1");
  const ValueId a = linear(graph, x, 8, "a");
  const ValueId b = linear(graph, add(graph, a, time), 8, "b");
  linear(graph, add(graph, b, time), 8, "c");
  linear(graph, a, 8, "extra");
  EXPECT_THAT(names(partition(graph, {.late = {"time.*", "extra"}}, 2)),
              ElementsAre("{time.0,time.1,b}", "a", "c", "extra"));
}

TEST(Configurations, CountUpLastOpFastestFromAllHigh) {
  Subgraph subgraph{.ops = {{0}, {1}, {2}}, .ties = {{0}, {1}, {2}}};
  const std::vector<std::vector<FormatId>> allowed{{{1}, {0}}, {{0}}, {{0}, {2}, {1}, {2}}};
  const std::vector<Configuration> expected{
      {{0}, {0}, {0}}, {{0}, {0}, {1}}, {{0}, {0}, {2}},
      {{1}, {0}, {0}}, {{1}, {0}, {1}}, {{1}, {0}, {2}},
  };
  EXPECT_EQ(configurations(subgraph, allowed), expected);
}

TEST(Configurations, TiedOpsTakeWhatAllOfThemAllow) {
  Subgraph subgraph{.ops = {{0}, {1}, {2}}, .ties = {{0, 2}, {1}}};
  const std::vector<std::vector<FormatId>> allowed{{{0}, {1}, {2}}, {{0}, {1}}, {{0}, {2}}};
  const std::vector<Configuration> expected{
      {{0}, {0}, {0}}, {{0}, {1}, {0}}, {{2}, {0}, {2}}, {{2}, {1}, {2}}};
  EXPECT_EQ(configurations(subgraph, allowed), expected);
}

TEST(Configurations, AreAllDifferentAndAsManyAsTheLimitCounts) {
  const auto found = partition(llama(1), {}, 3);
  const std::vector<std::vector<FormatId>> allowed(5, {{0}, {1}, {2}});
  const auto all = configurations(found.subgraphs[0], allowed);
  EXPECT_EQ(all.size(), 243U);
  EXPECT_EQ(std::set<Configuration>(all.begin(), all.end()).size(), 243U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST(Configurations, RefuseWhatDoesNotFit) {
  Subgraph subgraph{.ops = {{0}}, .ties = {{0}}};
  EXPECT_ERROR(configurations(subgraph, {}), ErrorKind::internal, "formats");
  EXPECT_ERROR(configurations(subgraph, {{{1}}}), ErrorKind::internal,
               "the high format must be allowed for every op");
  EXPECT_ERROR(configurations(subgraph, {{}}), ErrorKind::internal,
               "the high format must be allowed for every op");
}

}  // namespace
}  // namespace gainsweep::graph

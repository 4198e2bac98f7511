// Which linear layers of a sub-graph are one matrix product.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "graph/partition.hpp"
#include "models.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> fused_names(const Partition& partition) {
  std::vector<std::string> names;
  for (const auto& subgraph : partition.subgraphs)
    for (const auto& group : subgraph.fused) {
      std::vector<std::size_t> ops;
      for (const auto place : group) ops.push_back(subgraph.ops[place].index);
      names.push_back(name_of(partition.ops, ops));
    }
  return names;
}

Partition fused(const Graph& graph, FusedLayers rule) {
  return partition(graph, {.fused = rule}, 2);
}

TEST(Fused, FindsTheLayersOfALlamaThatRuntimesFuse) {
  const auto graph = llama(2);
  EXPECT_THAT(fused_names(partition(graph, {}, 2)), IsEmpty());
  EXPECT_THAT(fused_names(fused(graph, FusedLayers::qkv)),
              ElementsAre("layers.0.attention.{q,k,v}", "layers.1.attention.{q,k,v}"));
  EXPECT_THAT(fused_names(fused(graph, FusedLayers::all)),
              ElementsAre("layers.0.attention.{q,k,v}", "layers.0.mlp.{gate,up}",
                          "layers.1.attention.{q,k,v}", "layers.1.mlp.{gate,up}"));
}

TEST(Fused, GroupsAreTies) {
  const auto found = fused(llama(1), FusedLayers::all);
  const auto& attention = found.subgraphs.front();
  ASSERT_EQ(attention.ops.size(), 5U);
  EXPECT_THAT(attention.ties, ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3), ElementsAre(4)));
  const std::vector<std::vector<FormatId>> allowed(5, {{0}, {1}});
  EXPECT_EQ(configurations(attention, allowed).size(), 8U) << "2^5 without the group";
  const auto with_ties =
      partition(llama(1), {.tie = {{"*.[kv]", "*.qk"}}, .fused = FusedLayers::qkv}, 2);
  EXPECT_THAT(with_ties.subgraphs.front().ties,
              ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3), ElementsAre(4)));
}

TEST(Fused, MakesAClassOfItsOwn) {
  const auto graph = llama(2);
  const PartitionSpec tied{.tie = {{"*.[qkv]", "*.gate", "*.up"}}};
  EXPECT_EQ(partition(graph, tied, 2).classes.size(),
            fused(graph, FusedLayers::all).classes.size());
  // One layer's attention is split, so that it has other groups than the other's.
  const auto found =
      partition(graph, {.split = {"layers.1.attention.[kv]"}, .fused = FusedLayers::qkv}, 2);
  EXPECT_NE(found.subgraphs[0].cls, found.subgraphs[4].cls);
}

/// GPT-2 and Phi-3: the front end cuts a fused tensor into rows.
TEST(Fused, TakesRowsOfOneTensor) {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {4, 8});
  const auto all = graph.add_parameter("c_attn", {24, 8});
  const auto layer = [&](std::int64_t first, const char* path) {
    const auto rows = graph.add_node("aten::slice.Tensor", {all, std::int64_t{0}, first, first + 8},
                                     {8, 8}, path);
    return graph.add_node("aten::linear", {x, rows}, {4, 8}, path);
  };
  const auto q = layer(0, "q"), k = layer(8, "k"), v = layer(16, "v");
  const auto t = graph.add_node("aten::t", {k}, {8, 4}, "");
  const auto qk = graph.add_node("aten::matmul", {q, t}, {4, 4}, "qk");
  graph.outputs = {graph.add_node("aten::matmul", {qk, v}, {4, 8}, "av")};
  EXPECT_THAT(fused_names(fused(graph, FusedLayers::qkv)), ElementsAre("{q,k,v}"));
}

/// Attention and the rest of a block read one norm: runtimes do not put them into one product.
TEST(Fused, KeepsAttentionApartFromTheRestOfAParallelBlock) {
  Graph graph;
  const Sizes sizes;
  const auto x = graph.add_input("x", ElementType::real, {1, sizes.tokens, sizes.hidden});
  const auto heads = attention(graph, x, sizes, "attention");
  graph.outputs = {
      add(graph, linear(graph, heads, sizes.hidden, "o"), gated_mlp(graph, x, sizes, "mlp"))};
  EXPECT_THAT(fused_names(fused(graph, FusedLayers::all)),
              ElementsAre("attention.{q,k,v}", "mlp.{gate,up}"));
}

/// An expert reads the rows that chose it: its own gate and up alone read one value.
TEST(Fused, TakesNoExpertsTogether) {
  Graph graph;
  const Sizes sizes;
  const Shape shape{1, sizes.tokens, sizes.hidden};
  const auto x = graph.add_input("x", ElementType::real, shape);
  const auto mask = graph.add_input("mask", ElementType::real, shape);
  const auto expert = [&](const char* path) {
    return gated_mlp(graph, mul(graph, x, mask), sizes, path);
  };
  const auto first = expert("0");
  graph.outputs = {add(graph, first, expert("1"))};
  EXPECT_THAT(fused_names(fused(graph, FusedLayers::all)),
              ElementsAre("0.{gate,up}", "1.{gate,up}"));
}

TEST(Fused, TakesNoLayersOfOtherRows) {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {1, 4, 8});
  const auto router = linear(graph, x, 8, "router");
  const auto expert = linear(graph, x, 8, "expert");
  graph.nodes.back().needed = 0.25;
  graph.outputs = {mul(graph, router, expert)};
  EXPECT_THAT(refusal(graph, {.fused = FusedLayers::all}), HasSubstr("finds nothing to fuse"));
}

TEST(Fused, RefusesToFindNothing) {
  const auto graph = llama(1);
  EXPECT_THAT(refusal(graph, {.rule = PartitionRule::single, .fused = FusedLayers::all}),
              HasSubstr("partition.fused finds nothing to fuse (it takes linear layers of one "
                        "sub-graph that read the same value). Set it to none"));
  EXPECT_THAT(refusal(graph, {.split = {"*attention.[qkv]"}, .fused = FusedLayers::qkv}),
              HasSubstr("that read the same value and lead to its attention matmuls)"));
}

/// The definition read slowly: from each layer forwards, until an op.
class Reference {
 public:
  Reference(const Graph& graph, const Partition& partition) : graph_(graph), all_(partition) {}

  std::set<std::set<std::size_t>> groups(bool others) const {
    std::set<std::set<std::size_t>> found;
    for (const auto& subgraph : all_.subgraphs)
      for (const auto a : subgraph.ops) {
        std::set<std::size_t> group;
        for (const auto b : subgraph.ops)
          if (are_one(a, b, subgraph) && (others || leads(a, subgraph))) group.insert(b.index);
        if (group.size() > 1) found.insert(group);
      }
    return found;
  }

 private:
  const Op& op(OpId id) const { return all_.ops[id.index]; }

  bool are_one(OpId a, OpId b, const Subgraph& subgraph) const {
    const auto fits = [&](OpId id) {
      return op(id).kind == OpKind::linear && op(id).operands[1].role == OperandRole::weight;
    };
    return fits(a) && fits(b) && op(a).operands[0].value == op(b).operands[0].value &&
           leads(a, subgraph) == leads(b, subgraph);
  }

  bool leads(OpId id, const Subgraph& subgraph) const {
    return leads(graph_.node(op(id).node).outputs.front(), subgraph);
  }

  bool leads(ValueId value, const Subgraph& subgraph) const {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto read = values_read(graph_.nodes[n]);
      if (std::find(read.begin(), read.end(), value) == read.end()) continue;
      const auto known = std::find_if(all_.ops.begin(), all_.ops.end(),
                                      [&](const Op& other) { return other.node.index == n; });
      if (known == all_.ops.end()) {
        if (leads(graph_.nodes[n].outputs.front(), subgraph)) return true;
        continue;
      }
      const OpId reader{static_cast<std::size_t>(known - all_.ops.begin())};
      const bool is_inside =
          std::find(subgraph.ops.begin(), subgraph.ops.end(), reader) != subgraph.ops.end();
      if (known->kind == OpKind::matmul && is_inside) return true;
    }
    return false;
  }

  const Graph& graph_;
  const Partition& all_;
};

Graph random_graph(std::mt19937& random) {
  Graph graph;
  std::vector<ValueId> values{graph.add_input("x", ElementType::real, {4, 4})};
  const auto weight = graph.add_parameter("w", {4, 4});
  const auto pick = [&] {
    return values[values.size() - 1 - random() % std::min<std::size_t>(4, values.size())];
  };
  for (int i = 0; i < 24; ++i) {
    const auto kind = random() % 6;
    const auto path = std::to_string(i);
    if (kind < 3)
      values.push_back(graph.add_node("aten::linear", {pick(), weight}, {4, 4}, path));
    else if (kind == 3)
      values.push_back(graph.add_node("aten::matmul", {pick(), pick()}, {4, 4}, path));
    else
      values.push_back(graph.add_node("aten::add.Tensor", {pick(), pick()}, {4, 4}, ""));
  }
  return graph;
}

TEST(Fused, AgreesWithItsDefinitionOnRandomGraphs) {
  std::mt19937 random(20);
  std::size_t groups = 0;
  for (int i = 0; i < 300; ++i) {
    const auto graph = random_graph(random);
    constexpr std::size_t no_limit = std::size_t{1} << 40;
    const auto plain = partition(graph, {.configuration_limit = no_limit}, 2);
    for (const auto rule : {FusedLayers::qkv, FusedLayers::all}) {
      const auto expected = Reference(graph, plain).groups(rule == FusedLayers::all);
      const PartitionSpec spec{.fused = rule, .configuration_limit = no_limit};
      if (expected.empty()) {
        EXPECT_FALSE(refusal(graph, spec).empty());
        continue;
      }
      std::set<std::set<std::size_t>> found;
      const auto made = partition(graph, spec, 2);
      for (const auto& subgraph : made.subgraphs)
        for (const auto& places : subgraph.fused) {
          std::set<std::size_t> group;
          for (const auto place : places) group.insert(subgraph.ops[place].index);
          found.insert(group);
        }
      EXPECT_EQ(found, expected) << i;
      groups += found.size();
    }
  }
  EXPECT_GT(groups, 200U);
}

}  // namespace
}  // namespace gainsweep::graph

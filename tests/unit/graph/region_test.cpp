#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "graph/partition.hpp"
#include "graph/segments.hpp"
#include "graph/signature.hpp"
#include "models.hpp"
#include "unit/throws.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using testing::ElementsAre;

std::vector<NodeId> nodes_of(const Partition& partition, std::size_t subgraph) {
  std::vector<NodeId> nodes;
  for (const OpId op : partition.subgraphs[subgraph].ops) {
    nodes.push_back(partition.ops[op.index].node);
  }
  return nodes;
}

TEST(Extract, OfAnAttentionHoldsWhatLiesBetween) {
  const Graph graph = llama(2);
  const Graph region = extract(graph, nodes_of(partition(graph, {}, 2), 4));
  validate(region);
  std::vector<std::string> paths;
  for (const Node& node : region.nodes) {
    if (!node.path.empty()) paths.push_back(node.path);
  }
  EXPECT_THAT(paths,
              ElementsAre("layers.1.attention.q", "layers.1.attention.k", "layers.1.attention.v",
                          "layers.1.attention.qk", "layers.1.attention.av"));
  ASSERT_EQ(region.inputs.size(), 1U);  // the normalised residual stream
  EXPECT_EQ(region.value(region.inputs[0]).shape, (Shape{1, 16, 32}));
  ASSERT_EQ(region.outputs.size(), 1U);
  EXPECT_EQ(region.node(*region.value(region.outputs[0]).producer).path, "layers.1.attention.av");
  std::size_t num_parameters = 0;
  for (const Value& value : region.values) {
    if (value.kind != ValueKind::parameter) continue;
    ++num_parameters;
    EXPECT_EQ(value.name.rfind("layers.1.attention.", 0), 0U) << value.name;
  }
  EXPECT_EQ(num_parameters, 3U);
}

TEST(Extract, IsTheSamePartitionAgain) {
  const Graph graph = llama(1);
  const auto whole = partition(graph, {}, 2);
  for (std::size_t i = 0; i < whole.subgraphs.size(); ++i) {
    const auto part = partition(extract(graph, nodes_of(whole, i)), {}, 2);
    ASSERT_EQ(part.subgraphs.size(), 1U);
    EXPECT_EQ(part.subgraphs[0].name, whole.subgraphs[i].name);
    EXPECT_EQ(part.ops[0].macs, whole.ops[whole.subgraphs[i].ops[0].index].macs);
  }
}

TEST(Signature, OfSegmentsTellsStructuresApart) {
  const Graph graph = llama(3);
  std::vector<std::string> signatures;
  for (const auto& segment : segments(graph))
    signatures.push_back(signature(extract(graph, segment)));
  ASSERT_EQ(signatures.size(), 8U);  // embedding, three blocks of two halves, head
  EXPECT_EQ(signatures[1], signatures[3]);
  EXPECT_EQ(signatures[3], signatures[5]);
  EXPECT_EQ(signatures[2], signatures[4]);
  EXPECT_THAT(std::set<std::string>(signatures.begin(), signatures.end()), testing::SizeIs(4));
  const Graph longer = llama(3, false, {.tokens = 17});
  EXPECT_NE(signature(extract(longer, segments(longer)[1])), signatures[1]);
}

TEST(Extract, NamesInputsAndKeepsOutputsThatNobodyReads) {
  Graph graph{.name = "tail"};
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId a = linear(graph, x, 8, "a");
  const ValueId doubled = add(graph, a, x);
  const ValueId b = linear(graph, doubled, 8, "b");
  linear(graph, b, 8, "unused");
  graph.outputs = {a};
  const Graph region = extract(graph, std::vector<NodeId>{{0}, {2}});
  validate(region);
  ASSERT_EQ(region.inputs.size(), 1U);
  EXPECT_EQ(region.value(region.inputs[0]).name, "x");
  EXPECT_EQ(region.outputs.size(), 2U);  // a is a graph output, b is read outside
  const Graph last = extract(graph, std::vector<NodeId>{{3}});
  EXPECT_EQ(last.value(last.inputs[0]).name, "%" + std::to_string(b.index));
  EXPECT_EQ(last.value(last.inputs[0]).kind, ValueKind::input);
  EXPECT_EQ(last.outputs.size(), 1U);
}

/// Two layers, the second of a transposed parameter; `computed` puts an input in its place.
Graph two_layers(bool computed) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId stored = computed ? graph.add_input("stored", ElementType::real, {8, 8})
                                  : graph.add_parameter("stored", {8, 8});
  const ValueId weight = graph.add_node("aten::t", {stored}, {8, 8}, "transposed");
  const ValueId y = linear(graph, x, 8, "first");
  graph.outputs = {graph.add_node("aten::linear", {y, weight}, {8, 8}, "second"), weight};
  return graph;
}

TEST(Extract, ComputesWeightsInTheRegion) {
  const Graph graph = two_layers(false);
  const Graph region = extract(graph, std::vector<NodeId>{{2}});
  validate(region);
  ASSERT_EQ(region.nodes.size(), 2U);
  ASSERT_EQ(region.inputs.size(), 1U);
  EXPECT_EQ(region.outputs.size(), 1U);
  const auto ops = quantizable_ops(region);
  ASSERT_EQ(ops.size(), 1U);
  EXPECT_EQ(ops[0].operands[1].role, OperandRole::weight);
  EXPECT_EQ(extract(two_layers(true), std::vector<NodeId>{{2}}).inputs.size(), 2U);
}

TEST(Classes, TellWeightsFromActivations) {
  const auto num_classes = [](bool computed) {
    Graph graph = two_layers(computed);
    const ValueId y = graph.outputs[0];
    const ValueId w = graph.add_node("aten::t", {graph.add_parameter("w", {8, 8})}, {8, 8}, "t");
    graph.outputs = {graph.add_node("aten::linear", {y, w}, {8, 8}, "third")};
    return partition(graph, {}, 2).classes.size();
  };
  EXPECT_EQ(num_classes(false) + 1, num_classes(true));
}

TEST(Extract, RefusesNodesThatDoNotExist) {
  EXPECT_ERROR(extract(llama(1), std::vector<NodeId>{}), ErrorKind::internal,
               "a region needs existing nodes");
  EXPECT_ERROR(extract(llama(1), std::vector<NodeId>{{100000}}), ErrorKind::internal,
               "a region needs existing nodes");
}

}  // namespace
}  // namespace gainsweep::graph

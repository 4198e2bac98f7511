#include "graph/rows.hpp"

#include <gtest/gtest.h>

#include "models.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;

NodeId producer(const Graph& graph, ValueId value) {
  return *graph.value(value).producer;
}

TEST(InRows, CutAGraphAroundItsHead) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  const ValueId head = linear(graph, unary(graph, "aten::relu", x), 10, "head");
  const ValueId labels = graph.add_input("labels", ElementType::index, {2});
  graph.outputs = {graph.add_node("aten::cross_entropy_loss", {head, labels}, {}, "loss"), head};
  const auto cut = in_rows(graph, producer(graph, head), 4);
  ASSERT_TRUE(cut);
  ASSERT_TRUE(cut->before);
  validate(*cut->before);
  EXPECT_EQ(cut->before->nodes.size(), 1U);
  ASSERT_EQ(cut->blocks.size(), 3U);
  for (const auto& block : cut->blocks) {
    validate(block);
    const auto ops = quantizable_ops(block);
    ASSERT_EQ(ops.size(), 1U);
    EXPECT_EQ(ops[0].path, "head");
    EXPECT_EQ(ops[0].operands[1].role, OperandRole::weight);
  }
  EXPECT_EQ(cut->blocks[2].value(cut->blocks[2].outputs[0]).shape, (Shape{2, 2}));
  validate(cut->after);
  ASSERT_EQ(cut->after.inputs.size(), 4U);
  EXPECT_EQ(cut->after.value(cut->after.inputs[3]).name, "labels");
  EXPECT_EQ(cut->after.outputs.size(), 2U);
  EXPECT_EQ(cut->after.nodes[0].op, "aten::cat");
  // What reads the graph's first input behind the head needs more than the parts.
  graph.outputs.push_back(add(graph, x, x));
  EXPECT_FALSE(in_rows(graph, producer(graph, head), 4));
}

TEST(InRows, LeaveOtherLayersAlone) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  const ValueId turned = graph.add_node("aten::t", {graph.add_parameter("w", {8, 4})}, {4, 8}, "");
  graph.outputs = {graph.add_node("aten::linear", {x, turned}, {2, 4}, "computed")};
  EXPECT_FALSE(in_rows(graph, producer(graph, graph.outputs[0]), 2));
  graph.outputs = {graph.add_node(
      "aten::linear", {x, graph.add_parameter("v", {4, 8}), graph.add_parameter("b", {4})}, {2, 4},
      "biased")};
  EXPECT_FALSE(in_rows(graph, producer(graph, graph.outputs[0]), 2));
  const ValueId plain = linear(graph, x, 4, "plain");
  graph.outputs = {plain};
  const auto cut = in_rows(graph, producer(graph, plain), 4);
  ASSERT_TRUE(cut);
  EXPECT_FALSE(cut->before) << "the layer reads the input itself";
  EXPECT_EQ(cut->blocks.size(), 1U);
}

}  // namespace
}  // namespace gainsweep::graph

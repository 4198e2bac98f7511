#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "graph/window.hpp"
#include "models.hpp"
#include "unit/throws.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;

const Op& at(const std::vector<Op>& ops, const std::string& path) {
  for (const Op& op : ops) {
    if (op.path == path) return op;
  }
  throw std::out_of_range(path);
}

TEST(QuantizableOps, OfALlamaStandInOrder) {
  const auto ops = quantizable_ops(llama(1));
  std::vector<std::string> paths;
  for (const Op& op : ops) paths.push_back(op.path);
  EXPECT_EQ(paths, (std::vector<std::string>{
                       "layers.0.attention.q", "layers.0.attention.k", "layers.0.attention.v",
                       "layers.0.attention.qk", "layers.0.attention.av", "layers.0.attention.o",
                       "layers.0.mlp.gate", "layers.0.mlp.up", "layers.0.mlp.down", "lm_head"}));
}

std::string names(const Op& op) {
  return op.operands.at(0).name + " " + op.operands.at(1).name;
}

TEST(QuantizableOps, NameTheirOperands) {
  const auto ops = quantizable_ops(llama(2));
  for (const char* layer : {"layers.0.", "layers.1."}) {
    EXPECT_EQ(names(at(ops, layer + std::string("attention.qk"))), "query key");
    EXPECT_EQ(names(at(ops, layer + std::string("attention.av"))), "weights value");
    EXPECT_EQ(names(at(ops, layer + std::string("attention.o"))), "input weight");
  }
  EXPECT_EQ(names(at(ops, "lm_head")), "input weight");
  Graph graph;
  const ValueId a = graph.add_input("a", ElementType::real, {5, 5});
  const ValueId logits = graph.add_node("aten::matmul", {a, a}, {5, 5}, "plain");
  graph.add_node("aten::log_softmax.int", {logits, std::int64_t{-1}}, {5, 5}, "classes");
  EXPECT_EQ(names(quantizable_ops(graph).at(0)), "left right");
}

TEST(QuantizableOps, CountMultiplyAccumulates) {
  const Sizes s;
  const auto ops = quantizable_ops(llama(1));
  EXPECT_EQ(at(ops, "layers.0.attention.q").macs, s.tokens * s.hidden * s.hidden);
  EXPECT_EQ(at(ops, "layers.0.attention.k").macs, s.tokens * s.hidden * s.hidden / 2);
  // All heads together: heads · tokens² · head size.
  EXPECT_EQ(at(ops, "layers.0.attention.qk").macs, s.tokens * s.tokens * s.hidden);
  EXPECT_EQ(at(ops, "layers.0.attention.av").macs, s.tokens * s.tokens * s.hidden);
  EXPECT_EQ(at(ops, "layers.0.mlp.down").macs, s.tokens * s.hidden * s.intermediate);
}

TEST(QuantizableOps, CountBroadcastMatmulsByTheirOutput) {
  Graph graph;
  const ValueId a = graph.add_input("a", ElementType::real, {2, 1, 5, 7});
  const ValueId b = graph.add_input("b", ElementType::real, {3, 7, 4});
  const ValueId v = graph.add_input("v", ElementType::real, {7});
  graph.add_node("aten::matmul", {a, b}, {2, 3, 5, 4}, "ab");
  graph.add_node("aten::matmul", {a, v}, {2, 1, 5}, "av");
  const auto ops = quantizable_ops(graph);
  EXPECT_EQ(at(ops, "ab").macs, 2 * 3 * 5 * 4 * 7);
  EXPECT_EQ(at(ops, "av").macs, 2 * 5 * 7);
}

TEST(QuantizableOps, CountWhatARuntimeNeedsOfARun) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {6, 5});
  const ValueId w = graph.add_parameter("w", {7, 5});
  graph.add_node("aten::linear", {x, w}, {6, 7}, "all");
  graph.add_node("aten::linear", {x, w}, {6, 7}, "some");
  graph.nodes.back().needed = 0.25;
  const auto ops = quantizable_ops(graph);
  EXPECT_EQ(at(ops, "all").macs, 6 * 7 * 5);
  EXPECT_EQ(at(ops, "some").macs, 53);  // 52.5
  for (const Op& op : ops) {
    EXPECT_EQ(op.run_macs, 6 * 7 * 5);
    EXPECT_EQ(op.weight_elements, 7 * 5);
  }
}

TEST(QuantizableOps, CountConvolutionsWithGroups) {
  Graph graph;
  const ValueId image = graph.add_input("image", ElementType::real, {2, 8, 10, 12});
  conv2d(graph, image, 16, 3, 1, "full");
  conv2d(graph, image, 8, 3, 8, "depthwise");
  const ValueId sound = graph.add_input("sound", ElementType::real, {1, 4, 20});
  const ValueId weight = graph.add_parameter("w", {6, 2, 5});
  graph.add_node("aten::conv1d.padding", {sound, weight}, {1, 6, 16}, "sound");
  const auto ops = quantizable_ops(graph);
  EXPECT_EQ(at(ops, "full").macs, 2 * 16 * 10 * 12 * 8 * 9);
  EXPECT_EQ(at(ops, "depthwise").macs, 2 * 8 * 10 * 12 * 9);
  EXPECT_EQ(at(ops, "sound").macs, 6 * 16 * 2 * 5);
  EXPECT_EQ(at(ops, "depthwise").weight_channels, 8);
  EXPECT_EQ(at(ops, "depthwise").weight_elements, 8 * 9);
  EXPECT_EQ(at(ops, "full").kind, OpKind::convolution);
}

TEST(Window, IsWhatTheCallSaysOrTheDefault) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {1, 4, 8, 8});
  const ValueId w = graph.add_parameter("w", {6, 2, 3, 3});
  using Ints = std::vector<std::int64_t>;
  const auto window = [&](const std::string& op, const std::vector<Argument>& arguments) {
    graph.add_node(op, arguments, {1, 6, 8, 8}, "c");
    return window_of(graph, graph.nodes.back());
  };
  EXPECT_EQ(window("aten::conv2d", {x, w}), (Window{{1, 1}, {0, 0}, {1, 1}, 1}));
  EXPECT_EQ(window("aten::conv2d",
                   {x, w, std::monostate{}, Ints{2}, std::int64_t{1}, Ints{3, 2}, std::int64_t{2}}),
            (Window{{2, 2}, {1, 1}, {3, 2}, 2}));
  const std::vector<Argument> all{x,          w,     std::monostate{}, Ints{1, 2},     Ints{3, 4},
                                  Ints{5, 6}, false, Ints{0, 0},       std::int64_t{2}};
  EXPECT_EQ(window("aten::convolution", all), (Window{{1, 2}, {3, 4}, {5, 6}, 2}));
  EXPECT_THAT(
      [&] {
        window("aten::conv2d.padding", {x, w, std::monostate{}, Ints{1}, "same"});
      },
      throws(ErrorKind::internal,
             "node `aten::conv2d.padding` (c): argument 4 is not a list of integers "
             "(padding by name is not supported). Give the padding in numbers"));
  EXPECT_THAT(
      [&] {
        window("aten::conv2d", {x, w, std::monostate{}, 2.5});
      },
      throws(ErrorKind::internal,
             "node `aten::conv2d` (c): argument 3 is not a list of integers "
             "(padding by name is not supported). Give the padding in numbers"));
  const Argument left{Default{}};
  EXPECT_THAT(
      [&] {
        window("aten::conv2d", {x, w, left, left, left, left, x});
      },
      throws(ErrorKind::internal, "node `aten::conv2d` (c): argument 6 is not a number of groups"));
}

TEST(QuantizableOps, TakeConvolutionOnlyWhereItIsNotTransposed) {
  const std::vector<std::int64_t> one{1};
  for (const bool transposed : {false, true}) {
    Graph graph;
    const ValueId x = graph.add_input("x", ElementType::real, {1, 4, 20});
    const ValueId w = graph.add_parameter("w", {4, 4, 1});
    graph.add_node("aten::convolution",
                   {x, w, std::monostate{}, one, one, one, transposed, one, std::int64_t{1}},
                   {1, 4, 20}, "c");
    EXPECT_EQ(quantizable_ops(graph).size(), transposed ? 0U : 1U);
  }
}

TEST(QuantizableOps, LeaveOutMatmulsWithConstants) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 2});
  const ValueId frequencies = graph.add_constant("f", {2, 2}, {1, 2, 3, 4});
  const ValueId derived = unary(graph, "aten::cos", frequencies);
  graph.add_node("aten::matmul", {x, frequencies}, {2, 2}, "constant");
  graph.add_node("aten::matmul", {x, derived}, {2, 2}, "derived");
  graph.add_node("aten::matmul", {x, x}, {2, 2}, "square");
  const auto ops = quantizable_ops(graph);
  ASSERT_EQ(ops.size(), 1U);
  EXPECT_EQ(ops[0].path, "square");
}

TEST(QuantizableOps, GiveRolesAndWeights) {
  const Sizes s;
  const auto ops = quantizable_ops(llama(1));
  const Op& gate = at(ops, "layers.0.mlp.gate");
  ASSERT_EQ(gate.operands.size(), 2U);
  EXPECT_EQ(gate.operands[0].role, OperandRole::activation);
  EXPECT_EQ(gate.operands[1].role, OperandRole::weight);
  EXPECT_EQ(gate.operands[1].argument, 1U);
  EXPECT_EQ(gate.weight_elements, s.intermediate * s.hidden);
  EXPECT_EQ(gate.weight_channels, s.intermediate);
  const Op& qk = at(ops, "layers.0.attention.qk");
  EXPECT_EQ(qk.operands[1].role, OperandRole::activation);
  EXPECT_EQ(qk.weight_elements, 0);
}

TEST(QuantizableOps, KnowWeightsThatOthersReadToo) {
  EXPECT_TRUE(at(quantizable_ops(llama(1, true)), "lm_head").weight_shared);
  EXPECT_FALSE(at(quantizable_ops(llama(1, false)), "lm_head").weight_shared);
  Graph graph;
  ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  const ValueId weight = graph.add_parameter("w", {8, 8});
  x = graph.add_node("aten::linear", {x, weight}, {2, 8}, "first");
  x = graph.add_node("aten::linear", {x, weight}, {2, 8}, "second");
  for (const Op& op : quantizable_ops(graph)) EXPECT_FALSE(op.weight_shared);
}

/// y = x·wᵀ with a weight that is computed from parameters and constants.
Graph with_weight(const std::function<ValueId(Graph&)>& weight) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  graph.outputs = {graph.add_node("aten::linear", {x, weight(graph)}, {2, 4}, "layer")};
  return graph;
}

ValueId transposed(Graph& graph, ValueId w) {
  const Shape shape{graph.value(w).shape[1], graph.value(w).shape[0]};
  return graph.add_node("aten::t", {w}, shape, "transposed");
}

TEST(QuantizableOps, TakeWhatDependsOnNoInputForAWeight) {
  const std::function<ValueId(Graph&)> weights[] = {
      [](Graph& graph) {
        return graph.add_parameter("w", {4, 8});
      },
      [](Graph& graph) {
        return transposed(graph, graph.add_parameter("w", {8, 4}));
      },
      [](Graph& graph) {
        const auto factor = graph.add_constant("factor", {4, 1}, {1, 2, 3, 4});
        return graph.add_node("aten::mul.Tensor", {graph.add_parameter("w", {4, 8}), factor},
                              {4, 8}, "scaled");
      },
      [](Graph& graph) {
        return graph.add_constant("w", {4, 8}, std::vector<double>(32));
      }};
  for (const auto& weight : weights) {
    const auto ops = quantizable_ops(with_weight(weight));
    ASSERT_EQ(ops.size(), 1U);
    EXPECT_EQ(ops[0].operands[0].role, OperandRole::activation);
    EXPECT_EQ(ops[0].operands[1].role, OperandRole::weight);
    EXPECT_EQ(ops[0].weight_elements, 32);
    EXPECT_EQ(ops[0].weight_channels, 4);
    EXPECT_FALSE(ops[0].weight_shared);
  }
}

TEST(QuantizableOps, TakeWhatDependsOnAnInputForAnActivation) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  const ValueId w = graph.add_input("w", ElementType::real, {8, 4});
  graph.add_node("aten::linear", {x, transposed(graph, w)}, {2, 4}, "layer");
  const auto ops = quantizable_ops(graph);
  EXPECT_EQ(ops.at(0).operands[1].role, OperandRole::activation);
  EXPECT_EQ(ops[0].weight_elements, 0);
}

TEST(QuantizableOps, KnowSharedWeightsThroughWhatTheyAreComputedFrom) {
  Graph graph;
  const ValueId ids = graph.add_input("tokens", ElementType::index, {2});
  const ValueId table = graph.add_parameter("table", {16, 8});
  const ValueId scale = graph.add_parameter("scale", {8, 1});
  const ValueId x = graph.add_node("aten::embedding", {table, ids}, {2, 8}, "embed");
  graph.add_node("aten::linear", {x, transposed(graph, transposed(graph, table))}, {2, 16}, "tied");
  const ValueId w = graph.add_parameter("w", {8, 8});
  const ValueId scaled = graph.add_node("aten::mul.Tensor", {w, scale}, {8, 8}, "scaled");
  const ValueId y = graph.add_node("aten::linear", {x, scaled}, {2, 8}, "folded");
  graph.add_node("aten::matmul", {y, scale}, {2, 1}, "reads the factor");
  graph.add_node("aten::linear", {y, transposed(graph, scaled)}, {2, 8}, "again");
  const auto ops = quantizable_ops(graph);
  EXPECT_TRUE(at(ops, "tied").weight_shared);
  EXPECT_FALSE(at(ops, "folded").weight_shared) << "a factor's bytes are not the weight's";
  EXPECT_FALSE(at(ops, "again").weight_shared) << "all who read it are layers";
  graph.outputs = {w};
  EXPECT_TRUE(at(quantizable_ops(graph), "again").weight_shared);
}

TEST(QuantizableOps, RefuseCallsWithoutTensors) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  graph.add_node("aten::linear", {x}, {2, 8}, "broken");
  EXPECT_ERROR(quantizable_ops(graph), ErrorKind::internal,
               "aten::linear at `broken`: argument 1 is not a tensor");
}

}  // namespace
}  // namespace gainsweep::graph

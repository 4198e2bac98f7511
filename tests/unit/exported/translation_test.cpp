#include "exported/translation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "exported/in_place.hpp"
#include "graph/partition.hpp"
#include "programs.hpp"
#include "unit/throws.hpp"

namespace gainsweep::exported {
namespace {

using programs::Writer;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<std::string> ops_of(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.op);
  return names;
}

std::vector<std::string> paths_of(const graph::Graph& graph) {
  std::vector<std::string> paths;
  for (const auto& op : graph::quantizable_ops(graph)) paths.push_back(op.path);
  return paths;
}

Translation translated(const Program& program) {
  check_in_place(program, "net.pt2");
  return translate(program, {{"s0", 3}}, "net.pt2");
}

void expect_refused(const Program& program, const std::string& message) {
  EXPECT_ERROR(translated(program), ErrorKind::input, "net.pt2: " + message);
}

NamedArgument tensor(const char* name, const char* value) {
  return {name, TensorName{value}};
}

NamedArgument norm_argument(const char* name) {
  return tensor(name, (std::string("p_") + name).c_str());
}

/// conv → batch norm → relu.
Writer normed(bool reads_twice = false) {
  Writer net;
  net.user("x", {-1, 2, 8, 8}).stored("w", {4, 2, 3, 3});
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) net.stored(name, {4});
  net.node("conv", "aten::conv2d.default",
           {tensor("input", "x"), tensor("weight", "p_w"), {"groups", std::int64_t{1}}},
           {-1, 4, 6, 6}, "stem");
  net.node("norm", "aten::batch_norm.default",
           {tensor("input", "conv"),
            norm_argument("weight"),
            norm_argument("bias"),
            norm_argument("running_mean"),
            norm_argument("running_var"),
            {"training", false},
            {"momentum", 0.1},
            {"eps", 1e-3},
            {"cudnn_enabled", true}},
           {-1, 4, 6, 6}, "norm");
  net.node("relu", "aten::relu_.default", {tensor("self", "norm")}, {-1, 4, 6, 6});
  if (reads_twice)
    net.node("sum", "aten::add.Tensor", {tensor("self", "relu"), tensor("other", "conv")},
             {-1, 4, 6, 6});
  net.gives(reads_twice ? "sum" : "relu");
  return net;
}

TEST(Translation, FoldsBatchNorms) {
  const auto net = normed();
  const auto [graph, output] = translated(net.program);
  EXPECT_THAT(ops_of(graph), ElementsAre("gainsweep::fold_norm_weight", "gainsweep::fold_norm_bias",
                                         "aten::conv2d", "aten::relu"));
  const auto ops = graph::quantizable_ops(graph);
  ASSERT_EQ(ops.size(), 1U);
  EXPECT_EQ(ops[0].operands[1].role, graph::OperandRole::weight);
  EXPECT_EQ(ops[0].weight_elements, 72);
  EXPECT_EQ(graph.value(output).shape, (graph::Shape{3, 4, 6, 6}));
}

TEST(Translation, LeavesANormWhoseConvolutionSomethingElseReads) {
  const auto net = normed(true);
  EXPECT_THAT(ops_of(translated(net.program).graph),
              ElementsAre("aten::conv2d", "aten::batch_norm", "aten::relu", "aten::add.Tensor"));
}

TEST(Translation, LeavesMiddleArgumentsToTheSchema) {
  const auto net = normed(true);
  const auto& call = translated(net.program).graph.nodes.front();
  ASSERT_EQ(call.arguments.size(), 7U);
  for (std::size_t i = 2; i < 6; ++i)
    EXPECT_TRUE(std::holds_alternative<graph::Default>(call.arguments[i])) << i;
  EXPECT_EQ(std::get<std::int64_t>(call.arguments[6]), 1);
}

Writer attention(ElementType mask) {
  Writer net;
  net.user("q", {-1, 2, 5, 8}).user("k", {-1, 2, 7, 8}).user("v", {-1, 2, 7, 8});
  net.user("mask", {-1, 1, 5, 7}, mask);
  net.node("attended", "aten::scaled_dot_product_attention.default",
           {tensor("query", "q"),
            tensor("key", "k"),
            tensor("value", "v"),
            tensor("attn_mask", "mask"),
            {"scale", 0.25}},
           {-1, 2, 5, 8}, "encoder.attention");
  net.gives("attended");
  return net;
}

TEST(Translation, SplitsAttention) {
  const auto net = attention(ElementType::fp32);
  const auto graph = translated(net.program).graph;
  EXPECT_THAT(ops_of(graph), ElementsAre("aten::mul.Scalar", "aten::transpose.int", "aten::matmul",
                                         "aten::add.Tensor", "aten::softmax.int", "aten::matmul"));
  EXPECT_EQ(std::get<double>(graph.nodes[0].arguments[1]), 0.25);
  const auto ops = graph::quantizable_ops(graph);
  EXPECT_THAT(paths_of(graph), ElementsAre("encoder.attention.qk", "encoder.attention.av"));
  EXPECT_EQ(ops[0].operands[0].name, "query");
  EXPECT_EQ(ops[1].operands[0].name, "weights");
  EXPECT_EQ(ops[0].macs, 3 * 2 * 5 * 7 * 8);
}

TEST(Translation, HidesByTruthValuesWithRowsOfZeros) {
  const auto net = attention(ElementType::boolean);
  EXPECT_THAT(
      ops_of(translated(net.program).graph),
      ElementsAre("aten::mul.Scalar", "aten::transpose.int", "aten::matmul", "aten::logical_not",
                  "aten::masked_fill.Scalar", "aten::_safe_softmax", "aten::matmul"));
}

TEST(Translation, RefusesAttentionThatItDoesNotKnow) {
  auto net = attention(ElementType::fp32);
  net.program.nodes[0].arguments.push_back({"enable_gqa", true});
  expect_refused(net.program,
                 "node 'attended' (aten::scaled_dot_product_attention.default) of the "
                 "module 'encoder.attention' has groups of heads that share keys.");
  net.program.nodes[0].arguments.back() = {"dropout_p", 0.5};
  expect_refused(net.program,
                 "node 'attended' (aten::scaled_dot_product_attention.default) of the "
                 "module 'encoder.attention' drops weights.");
}

TEST(Translation, LeavesOutWhatGivesItsInput) {
  Writer net;
  net.user("x", {-1, 4});
  net.node("copy", "aten::clone.default", {tensor("self", "x")}, {-1, 4});
  net.node("same", "aten::to.dtype", {tensor("self", "copy"), {"dtype", ElementType::fp64}},
           {-1, 4}, "", ElementType::fp64);
  net.node("dropped", "aten::dropout.default",
           {tensor("input", "same"), {"p", 0.5}, {"train", false}}, {-1, 4});
  net.node("whole", "aten::to.dtype", {tensor("self", "dropped"), {"dtype", ElementType::int64}},
           {-1, 4}, "", ElementType::int64);
  net.gives("whole");
  const auto graph = translated(net.program).graph;
  EXPECT_THAT(ops_of(graph), ElementsAre("aten::to.dtype"));
  EXPECT_EQ(std::get<std::string>(graph.nodes[0].arguments[1]), "index");
}

TEST(Translation, TakesProductsWithParametersForLinearLayers) {
  Writer net;
  net.user("x", {-1, 4}).stored("w", {4, 6});
  net.node("a", "aten::matmul.default", {tensor("self", "x"), tensor("other", "p_w")}, {-1, 6},
           "m");
  net.gives("a");
  const auto graph = translated(net.program).graph;
  EXPECT_THAT(ops_of(graph), ElementsAre("aten::t", "aten::linear"));
  EXPECT_TRUE(graph::quantizable_ops(graph)[0].operands[1].role == graph::OperandRole::weight);
}

TEST(Translation, GivesEachOpAPathOfItsOwn) {
  Writer net;
  net.user("x", {-1, 4}).stored("w", {4, 4});
  net.node("a", "aten::linear.default", {tensor("input", "x"), tensor("weight", "p_w")}, {-1, 4},
           "l");
  net.node("b", "aten::linear.default", {tensor("input", "a"), tensor("weight", "p_w")}, {-1, 4},
           "l");
  net.node("c", "aten::linear.default", {tensor("input", "b"), tensor("weight", "p_w")}, {-1, 4});
  net.gives("c");
  EXPECT_THAT(paths_of(translated(net.program).graph), ElementsAre("l", "l_1", "c"));
}

TEST(Translation, TakesNumbersForTheOtherOverload) {
  Writer net;
  net.user("x", {-1, 4});
  net.node("half", "aten::mul.Tensor", {tensor("self", "x"), {"other", -3.4028234663852886e+38}},
           {-1, 4});
  net.gives("half");
  const auto graph = translated(net.program).graph;
  EXPECT_EQ(graph.nodes[0].op, "aten::mul.Scalar");
  EXPECT_EQ(std::get<double>(graph.nodes[0].arguments[1]), -0x1.FEp127) << "what bf16 has";
}

TEST(Translation, BindsSizesThatNodesCompute) {
  Writer net;
  net.user("x", {-1, 4});
  net.program.nodes.push_back({"size",
                               "aten::sym_size.int",
                               {tensor("self", "x"), {"dim", std::int64_t{0}}},
                               {NumberName{"size"}},
                               ""});
  net.program.nodes.push_back({"twice",
                               "_operator.mul",
                               {{"0", NumberName{"size"}}, {"1", std::int64_t{2}}},
                               {NumberName{"twice"}},
                               ""});
  net.program.integers["size"] = {2, programs::batch};
  net.program.integers["twice"] = {4, std::string("Mul(Integer(2), ") + programs::batch + ")"};
  net.node("view", "aten::view.default",
           {tensor("self", "x"),
            {"size", std::vector<SymbolicInteger>{NumberName{"twice"}, std::int64_t{2}}}},
           {6, 2});
  net.gives("view");
  const auto graph = translated(net.program).graph;
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(graph.nodes[0].arguments[1]),
            (std::vector<std::int64_t>{6, 2}));
}

TEST(Translation, MakesNumbersOfTheProgramsType) {
  Writer net;
  net.user("x", {-1, 4});
  net.node("ones", "aten::ones.default",
           {{"size", std::vector<std::int64_t>{4}}, {"device", Device{"cpu"}}}, {4});
  net.node("sum", "aten::add.Tensor", {tensor("self", "x"), tensor("other", "ones")}, {-1, 4});
  net.gives("sum");
  const auto& ones = translated(net.program).graph.nodes.front();
  EXPECT_EQ(std::get<std::string>(ones.arguments.at(1)), "real");
}

TEST(Translation, NamesUnknownOperators) {
  Writer net;
  net.user("x", {-1, 4});
  net.node("top", "aten::topk.default", {tensor("self", "x"), {"k", std::int64_t{2}}}, {-1, 2},
           "m");
  net.gives("top");
  try {
    translated(net.program);
    FAIL() << "topk is read";
  } catch (const Error& error) {
    const std::string said = error.what();
    EXPECT_NE(
        said.find("net.pt2: node 'top' (aten::topk.default) of the module 'm' is not supported"),
        std::string::npos);
    for (const char* known : {"conv2d", "linear", "scaled_dot_product_attention", "add.Tensor"})
      EXPECT_NE(said.find(known), std::string::npos) << known;
  }
}

TEST(Translation, LeavesOutWhatNothingReads) {
  Writer net;
  net.user("x", {-1, 4}).user("unread", {-1, 9}).stored("w", {4, 4}).stored("idle", {7});
  net.node("a", "aten::linear.default", {tensor("input", "x"), tensor("weight", "p_w")}, {-1, 4});
  net.gives("a");
  const auto graph = translated(net.program).graph;
  EXPECT_EQ(graph.inputs.size(), 1U);
  EXPECT_EQ(graph.parameters.size(), 1U);
}

/// relu_ on a view, of which something reads the source afterwards.
Writer overwritten(const char* source, bool reads_later) {
  Writer net;
  net.user("x", {-1, 4});
  net.node("sum", "aten::add.Tensor", {tensor("self", "x"), tensor("other", "x")}, {-1, 4});
  net.node("part", "aten::slice.Tensor", {tensor("self", source)}, {-1, 4});
  net.node("positive", "aten::relu_.default", {tensor("self", "part")}, {-1, 4});
  net.node("last", "aten::add.Tensor",
           {tensor("self", "positive"), tensor("other", reads_later ? "sum" : "positive")},
           {-1, 4});
  net.gives("last");
  return net;
}

TEST(InPlace, IsReadAsItsTwinWhereNothingSeesTheDifference) {
  EXPECT_THAT(ops_of(translated(overwritten("sum", false).program).graph), Contains("aten::relu"));
}

TEST(InPlace, IsRefusedWhereSomethingReadsWhatItOverwrote) {
  expect_refused(
      overwritten("sum", true).program,
      "node 'last' (aten::add.Tensor) reads 'sum', which node 'positive' has overwritten. "
      "Export it with run_decompositions({})");
  auto net = overwritten("sum", false);
  net.gives("sum");
  expect_refused(net.program, "the output reads 'sum', which node 'positive' has overwritten.");
}

TEST(InPlace, IsRefusedInAViewOfAnInput) {
  expect_refused(overwritten("x", false).program,
                 "node 'positive' (aten::relu_.default) writes into a view of 'x', which is an "
                 "input, a weight or a buffer of the model.");
}

}  // namespace
}  // namespace gainsweep::exported

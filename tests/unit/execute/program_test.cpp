#include "execute/program.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/library.h>

#include <cmath>

#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using fixture::message_of;
using graph::Argument;
using graph::ElementType;
using graph::Graph;
using graph::ValueId;

const fixture::StoredModel& no_tensors() {
  static const fixture::StoredModel model({{"unused", {{1}, {0}}}});
  return model;
}

/// y = silu(x wᵀ + b) with numbers that can be followed by hand.
TEST(Program, RunsAGraphOfOperatorCalls) {
  const fixture::StoredModel stored({{"w", {{2, 3}, {1, 2, 3, -1, 0, 1}}}, {"b", {{2}, {0, 1}}}});
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {1, 3});
  const auto y = graph.add_node(
      "aten::linear", {x, graph.add_parameter("w", {2, 3}), graph.add_parameter("b", {2})}, {1, 2},
      "layer");
  graph.outputs = {graph.add_node("aten::silu", {y}, {1, 2}, "layer"), y};
  auto parameters = stored.parameters(execute::Precision::fp64);
  Program program(graph, parameters);
  const auto inputs = inputs_of({at::tensor({1.0, 10.0, 100.0}, at::kDouble).view({1, 3})});
  EXPECT_EQ(program.run(inputs, 1), (std::vector<double>{321, 100}));
  const auto out = program.run(inputs);
  EXPECT_DOUBLE_EQ(out[0], 321 / (1 + std::exp(-321.0)));
  EXPECT_GE(program.time(inputs), 0.0);
  EXPECT_EQ(program.run(inputs, 1), (std::vector<double>{321, 100})) << "a second run differs";
}

/// The same value twice in one call, lists of values, and one operator that returns a list.
TEST(Program, PassesRepeatedValuesAndLists) {
  auto parameters = no_tensors().parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {4});
  const auto square = graph.add_node("aten::mul.Tensor", {x, x}, {4}, "square");
  const auto first = graph.add_node("aten::chunk", {square, std::int64_t{2}}, {2}, "halves");
  const auto second = graph.add_output({2});
  graph.outputs = {graph.add_node("aten::cat", {std::vector{second, first, second}}, {6}, "cat")};
  Program program(graph, parameters);
  EXPECT_EQ(program.run(inputs_of({at::tensor({1.F, 2.F, 3.F, 4.F})})),
            (std::vector<double>{9, 16, 1, 4, 9, 16}));
}

c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl> watched(
    (c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>()));

at::Tensor watch(const at::Tensor& x) {
  auto result = x + 1;
  watched =
      c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>(result.getIntrusivePtr());
  return result;
}

at::Tensor expired(const at::Tensor& x) {
  return at::full_like(x, watched.expired() ? 1 : 0);
}

TORCH_LIBRARY(gainsweep_program_test, m) {
  m.def("watch", watch);
  m.def("expired", expired);
}

/// A watched value, read once, then a call that asks whether it is still there.
Graph watching_graph() {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {1});
  const auto a = graph.add_node("gainsweep_program_test::watch", {x}, {1}, "watch");
  const auto b = graph.add_node("aten::neg", {a}, {1}, "last reader");
  graph.outputs = {graph.add_node("gainsweep_program_test::expired", {b}, {1}, "ask"), a};
  return graph;
}

TEST(Program, FreesValuesAfterTheirLastUseUnlessKept) {
  auto parameters = no_tensors().parameters();
  Program program(watching_graph(), parameters);
  const auto inputs = inputs_of({at::ones({1})});
  EXPECT_EQ(program.run(inputs, 0), std::vector<double>{1}) << "the value outlived its last use";
  const std::vector<ValueId> both{program.graph().outputs};
  const auto kept = program.capture(inputs, both);
  EXPECT_EQ(kept.state().tensors[0].item<float>(), 0) << "a kept value was freed";
  EXPECT_EQ(kept.state().tensors[1].item<float>(), 2);
}

/// Captured values are inputs of another program, and autograd may run through them.
TEST(Program, CapturesValuesThatAutogradAccepts) {
  auto parameters = no_tensors().parameters();
  Program program(watching_graph(), parameters);
  const std::vector<ValueId> values{program.graph().outputs[1]};
  const auto captured = program.capture(inputs_of({at::ones({1})}), values);
  auto leaf = captured.state().tensors[0].detach().requires_grad_();
  (leaf * captured.state().tensors[0]).sum().backward();
  EXPECT_EQ(leaf.grad().item<float>(), 2);
}

/// run_tensors records gradients under the caller's mode, none inside Program::run.
TEST(Program, RecordsGradientsOnlyForItsCaller) {
  auto parameters = no_tensors().parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2});
  graph.outputs = {graph.add_node("aten::mul.Tensor", {x, x}, {2}, "square")};
  Program program(graph, parameters);
  const auto leaf = at::tensor({3.F, 4.F}).requires_grad_();
  Inputs::State state{{leaf}};
  const auto out = run_tensors(program.state(), state, program.graph().outputs);
  out[0].sum().backward();
  EXPECT_TRUE(at::equal(leaf.grad(), at::tensor({6.F, 8.F})));
}

TEST(Program, NamesTheNodeWhoseOperatorFails) {
  auto parameters = no_tensors().parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, 3});
  graph.outputs = {graph.add_node("aten::mm", {x, x}, {2, 3}, "layers.7.product")};
  Program program(graph, parameters);
  const auto message = message_of(ErrorKind::internal, [&] {
    program.run(inputs_of({at::ones({2, 3})}));
  });
  EXPECT_NE(message.find("node 0 `aten::mm` (layers.7.product) failed"), std::string::npos)
      << message;
}

TEST(Program, RefusesInputsOfAnotherShapeOrNumber) {
  auto parameters = no_tensors().parameters();
  Program program(watching_graph(), parameters);
  EXPECT_EQ(message_of(ErrorKind::input, [&] { program.run(inputs_of({at::ones({2})})); }),
            "input x of graph  has shape [2] (the graph was built for [1])");
  EXPECT_EQ(message_of(ErrorKind::input, [&] { program.run(inputs_of({})); }),
            "0 inputs for graph  (it has 1)");
}

TEST(Program, NamesAMissingCheckpointTensor) {
  auto parameters = no_tensors().parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {1});
  graph.outputs = {
      graph.add_node("aten::mul.Tensor", {x, graph.add_parameter("unusd", {1})}, {1}, "m")};
  const auto message = message_of(ErrorKind::input, [&] { Program(graph, parameters); });
  EXPECT_NE(message.find("no tensor 'unusd'"), std::string::npos) << message;
  EXPECT_NE(message.find("the nearest is 'unused'"), std::string::npos) << message;
}

}  // namespace
}  // namespace gainsweep::execute

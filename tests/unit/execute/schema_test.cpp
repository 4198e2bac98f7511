#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/version.h>

#include "execute/operators.hpp"
#include "fixture.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using graph::Argument;
using graph::ElementType;
using graph::Graph;

using Arguments = std::vector<Argument>;

/// The refusal of a call whose first argument is a value x[2, 3].
std::string refusal(const std::string& op, Arguments further, std::size_t outputs = 1) {
  const fixture::StoredModel stored({{"unused", {{1}, {0}}}});
  auto parameters = stored.parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, 3});
  Arguments arguments{x};
  arguments.insert(arguments.end(), further.begin(), further.end());
  graph.add_node(op, arguments, {2, 3}, "layers.1.wrong");
  for (std::size_t i = 1; i < outputs; ++i) graph.add_output({2, 3});
  return fixture::message_of(ErrorKind::internal, [&] { Program(graph, parameters); });
}

TEST(Schema, NamesNodeAndSchemaOfAWrongCall) {
  const auto missing = refusal("aten::linear", {});
  EXPECT_EQ(missing,
            "node 0 `aten::linear` (layers.1.wrong): argument `weight` is missing (it has no "
            "default). Schema: aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> "
            "Tensor");
  EXPECT_NE(refusal("aten::silu", {std::int64_t{1}}).find("2 arguments (the operator takes 1)"),
            std::string::npos);
  EXPECT_NE(refusal("aten::linear", {std::string("w")}).find("argument `weight` is a string"),
            std::string::npos);
  EXPECT_NE(refusal("aten::reshape", {2.5}).find("argument `shape` is a float"), std::string::npos);
  EXPECT_NE(refusal("aten::linear", {std::monostate{}}).find("argument `weight` is none"),
            std::string::npos);
  EXPECT_NE(refusal("aten::silu", {}, 2).find("2 outputs (the operator returns 1)"),
            std::string::npos);
}

TEST(Schema, NamesUnknownOperatorsOverloadsAndTypes) {
  EXPECT_NE(refusal("aten::no_such_thing", {}).find("operator aten::no_such_thing is not known"),
            std::string::npos);
  EXPECT_NE(refusal("aten::add.Nothing", {}).find("operator aten::add.Nothing is not known"),
            std::string::npos);
  EXPECT_NE(refusal("aten::zeros_like", {std::string("float8")}).find("\"float8\""),
            std::string::npos);
}

/// One output of a call whose first argument is x = [[0, 1, 2], [3, 4, 5]].
std::vector<double> result(const std::string& op, Arguments further, graph::Shape shape) {
  const fixture::StoredModel stored({{"unused", {{1}, {0}}}});
  auto parameters = stored.parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, 3});
  Arguments arguments{x};
  arguments.insert(arguments.end(), further.begin(), further.end());
  graph.outputs = {graph.add_node(op, arguments, std::move(shape), "call")};
  return Program(graph, parameters).run(inputs_of({at::arange(6, at::kFloat).view({2, 3})}));
}

TEST(Schema, ConvertsArgumentsByTheOperatorsTypes) {
  using Doubles = std::vector<double>;
  EXPECT_EQ(result("aten::add.Scalar", {std::int64_t{1}}, {2, 3}), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(result("aten::add.Scalar", {0.5, 2.0}, {2, 3}), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(result("aten::leaky_relu", {std::int64_t{0}}, {2, 3}), (Doubles{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(result("aten::sum.dim_IntList", {std::vector<std::int64_t>{1}, true}, {2, 1}),
            (Doubles{3, 12}));
  EXPECT_EQ(
      result("aten::slice.Tensor", {std::int64_t{1}, std::monostate{}, std::int64_t{1}}, {2, 1}),
      (Doubles{0, 3}));
  EXPECT_EQ(result("aten::gelu", {std::string("none")}, {2, 3})[0], 0);
  EXPECT_EQ(result("aten::zeros_like", {std::string("index")}, {2, 3}), Doubles(6, 0));
  // `real` is the program's fp32 here: 2^24 + 1 is rounded.
  EXPECT_EQ(result("aten::full_like", {16777217.0, std::string("real")}, {2, 3})[0], 16777216);
}

TEST(Schema, PassesListsOfOptionalTensors) {
  const fixture::StoredModel stored({{"unused", {{1}, {0}}}});
  auto parameters = stored.parameters();
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {3});
  const auto i = graph.add_input("i", ElementType::index, {2});
  graph.outputs = {graph.add_node("aten::index.Tensor", {x, std::vector{i}}, {2}, "pick")};
  const auto inputs = inputs_of({at::tensor({7.F, 8.F, 9.F}), at::tensor({2, 0}, at::kLong)});
  EXPECT_EQ(Program(graph, parameters).run(inputs), (std::vector<double>{9, 7}));
}

TEST(Operators, ThatALibTorchLacksAreNamedTogether) {
  EXPECT_NO_THROW(require_operators({"aten::linear", "onednn::qlinear_pointwise.tensor"}));
  EXPECT_ERROR(
      require_operators({"aten::linear", "aten::linear.no_such", "onednn::none"}),
      ErrorKind::environment,
      "LibTorch " TORCH_VERSION
      " lacks aten::linear.no_such, onednn::none (docs/devices.md tells which versions were "
      "checked). Build with a version that has them");
}

}  // namespace
}  // namespace gainsweep::execute

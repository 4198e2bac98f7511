#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/library.h>

#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using graph::ElementType;
using graph::Graph;
using graph::ValueId;

int num_packs = 0;

/// A stand-in for packing: a counted copy.
at::Tensor pack(const at::Tensor& w, double scale) {
  ++num_packs;
  return w * scale;
}

TORCH_LIBRARY(gainsweep_fold_test, m) {
  m.def("pack", pack);
}

constexpr std::int64_t rows = 8;
constexpr std::int64_t columns = 16;

const fixture::StoredModel& stored() {
  static const fixture::StoredModel model(
      {{"w", {{rows, columns}, fixture::numbers(rows * columns, 1)}}});
  return model;
}

/// x packed(w)ᵀ, where packing depends on the parameter alone.
Graph packed_graph(double scale) {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, columns});
  const auto w = graph.add_parameter("w", {rows, columns});
  const auto packed =
      graph.add_node("gainsweep_fold_test::pack", {w, scale}, {rows, columns}, "pack");
  graph.outputs = {graph.add_node("aten::linear", {x, packed}, {2, rows}, "product")};
  return graph;
}

TEST(Fold, EvaluatesParameterOnlyNodesOnceForAllPrograms) {
  auto parameters = stored().parameters();
  num_packs = 0;
  Program first(packed_graph(2), parameters);
  Program second(packed_graph(2), parameters);
  EXPECT_EQ(num_packs, 1);
  const auto inputs = inputs_of({at::ones({2, columns})});
  EXPECT_EQ(first.run(inputs), second.run(inputs));
  EXPECT_EQ(num_packs, 1) << "a run packed again";
  Program third(packed_graph(3), parameters);
  EXPECT_EQ(num_packs, 2) << "another literal is another value";
  EXPECT_NE(first.run(inputs), third.run(inputs));
}

TEST(Fold, OwnsPartsOfAConvertedParameterAlone) {
  const std::int64_t first = 2, last = 5;
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, columns});
  const auto w = graph.add_parameter("w", {rows, columns});
  const auto part = graph.add_node("aten::slice.Tensor", {w, std::int64_t{0}, first, last},
                                   {last - first, columns}, "part");
  graph.outputs = {graph.add_node("aten::linear", {x, part}, {2, last - first}, "product")};
  auto parameters = stored().parameters(execute::Precision::bf16);
  const Program program(graph, parameters);
  EXPECT_EQ(parameters.bytes_owned(),
            static_cast<std::size_t>(last - first) * columns * sizeof(std::uint16_t));
  auto mapped = stored().parameters();
  const Program in_place(graph, mapped);
  EXPECT_EQ(mapped.bytes_owned(), 0U) << "rows of a mapped tensor were copied";
}

TEST(Fold, OwnsFoldedValuesAndNotTheParametersBehindThem) {
  auto parameters = stored().parameters(execute::Precision::bf16);
  EXPECT_EQ(parameters.bytes_owned(), 0U);
  const Program program(packed_graph(2), parameters);
  EXPECT_EQ(parameters.bytes_owned(), rows * columns * sizeof(std::uint16_t))
      << "the converted parameter behind the packed one was kept";
}

TEST(Fold, FreesValuesThatNoLivingProgramUses) {
  auto parameters = stored().parameters();
  const std::size_t one = rows * columns * sizeof(float);
  {
    const Program first(packed_graph(2), parameters);
    {
      const Program second(packed_graph(3), parameters);
      EXPECT_EQ(parameters.bytes_owned(), 2 * one);
    }
    parameters.release_unused();
    EXPECT_EQ(parameters.bytes_owned(), one);
  }
  parameters.release_unused();
  EXPECT_EQ(parameters.bytes_owned(), 0U);
}

TEST(Fold, ReadsParametersOfTheRightTypeFromTheFileItself) {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {2, columns});
  graph.outputs = {graph.add_node("aten::linear", {x, graph.add_parameter("w", {rows, columns})},
                                  {2, rows}, "product")};
  auto same = stored().parameters();
  const Program zero_copy(graph, same);
  EXPECT_EQ(same.bytes_owned(), 0U);
  EXPECT_EQ(zero_copy.state().bound[1].const_data_ptr(),
            stored().checkpoint().tensor("w").bytes.data());
  auto other = stored().parameters(execute::Precision::fp64);
  const Program converted(graph, other);
  EXPECT_EQ(other.bytes_owned(), rows * columns * sizeof(double));
}

/// Rows that an embedding looks up are converted, never the table.
TEST(Fold, ConvertsLookedUpRowsAlone) {
  const auto graph_of = [](bool tied) {
    Graph graph;
    const auto ids = graph.add_input("ids", ElementType::index, {3});
    const auto w = graph.add_parameter("w", {rows, columns});
    auto x = graph.add_node("aten::embedding", {w, ids}, {3, columns}, "embed");
    if (tied) x = graph.add_node("aten::linear", {x, w}, {3, rows}, "head");
    graph.outputs = {x};
    return graph;
  };
  const auto ids = inputs_of({at::tensor({2, 7, 2}, at::kLong)});
  auto wide = stored().parameters(execute::Precision::fp64);
  Program embedding(graph_of(false), wide);
  EXPECT_EQ(wide.bytes_owned(), 0U);
  const auto found = embedding.run(ids);
  const auto& elements = fixture::numbers(rows * columns, 1);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found[i], elements[(i / columns == 1 ? 7 : 2) * columns + i % columns]);
  EXPECT_EQ(embedding.capture(ids, embedding.graph().outputs).state().tensors[0].scalar_type(),
            at::kDouble);
  const Program tied(graph_of(true), wide);
  EXPECT_EQ(wide.bytes_owned(), rows * columns * sizeof(double)) << "the head reads all of it";
}

TEST(Fold, FreesWhatWasMadeLastFirst) {
  auto parameters = stored().parameters();
  const std::size_t one = rows * columns * sizeof(float);
  num_packs = 0;
  for (const double scale : {2, 3, 4}) Program(packed_graph(scale), parameters);
  EXPECT_EQ(parameters.bytes_owned(), 3 * one);
  parameters.release_unused(2 * one + 1);
  EXPECT_EQ(parameters.bytes_owned(), 2 * one);
  for (const double scale : {2, 3}) Program(packed_graph(scale), parameters);
  EXPECT_EQ(num_packs, 3) << "what was made first was freed";
  parameters.release_unused(one - 1);
  EXPECT_EQ(parameters.bytes_owned(), 0U);
}

/// A constant is distinguished by its numbers, shape and type.
TEST(Fold, TellsConstantsApart) {
  auto parameters = stored().parameters();
  const auto graph_with = [](std::vector<double> elements, graph::Shape shape, ElementType type) {
    Graph graph;
    const auto c = graph.add_constant("c", shape, std::move(elements), type);
    graph.outputs = {graph.add_node("aten::neg", {c}, shape, "neg", type)};
    return graph;
  };
  const auto none = inputs_of({});
  Program a(graph_with({1, 2}, {2}, ElementType::real), parameters);
  Program b(graph_with({1, 3}, {2}, ElementType::real), parameters);
  Program c(graph_with({1, 2}, {2}, ElementType::index), parameters);
  Program d(graph_with({1, 2}, {1, 2}, ElementType::real), parameters);
  EXPECT_EQ(a.run(none), (std::vector<double>{-1, -2}));
  EXPECT_EQ(b.run(none), (std::vector<double>{-1, -3}));
  const auto type_of = [](const Program& p) {
    return p.state().bound[p.graph().outputs[0].index].scalar_type();
  };
  EXPECT_EQ(type_of(a), at::kFloat);
  EXPECT_EQ(type_of(c), at::kLong);
  EXPECT_EQ(d.state().bound[d.graph().outputs[0].index].dim(), 2);
}

/// Programs stay whole when the parameters they came from are gone.
TEST(Fold, OutlivesItsParameters) {
  auto parameters = std::make_unique<Parameters>(stored().parameters());
  Program program(packed_graph(2), *parameters);
  const auto inputs = inputs_of({at::ones({2, columns})});
  const auto before = program.run(inputs);
  parameters.reset();
  EXPECT_EQ(program.run(inputs), before);
}

/// 8-bit floating types have words in graphs, as types of values and as arguments.
TEST(Fold, KnowsEightBitFloats) {
  Graph graph;
  const auto narrow = graph.add_constant("", {3}, {1.0, 300.0, 0.1}, ElementType::fp8_e4m3);
  const auto wide = graph.add_node("aten::to.dtype", {narrow, "fp32"}, {3}, "widen");
  const auto narrower =
      graph.add_node("aten::to.dtype", {wide, "fp8_e5m2"}, {3}, "narrow", ElementType::fp8_e5m2);
  graph.outputs = {wide, narrower};
  const fixture::StoredModel model({{"w", {{1}, {1}}}});
  auto parameters = model.parameters();
  Program program(graph, parameters);
  EXPECT_EQ(program.run(fixture::inputs_of({})), (std::vector<double>{1, 288, 0.1015625}));
  EXPECT_EQ(program.run(fixture::inputs_of({}), 1), (std::vector<double>{1, 256, 0.09375}));
}

}  // namespace
}  // namespace gainsweep::execute

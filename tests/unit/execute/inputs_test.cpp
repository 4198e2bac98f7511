// Samples as inputs of graphs: what fits by name, type, shape and bound, and what is refused.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

using fixture::message_of;
using graph::ElementType;
using Ids = std::vector<std::int64_t>;

const std::vector<model::Input> known{{"tokens", ElementType::index, {model::batch_size, 2}, 5},
                                      {"labels", ElementType::index, {model::batch_size, 2}, 5}};

/// Reads targets before tokens, and an image.
graph::Graph reading() {
  graph::Graph graph;
  graph.add_input("labels", ElementType::index, {1, 2});
  graph.add_input("image", ElementType::real, {2, 1});
  graph.add_input("tokens", ElementType::index, {1, 2});
  return graph;
}

model::Sample sample() {
  return {.inputs = {{"tokens", {{1, 2}, Ids{3, 4}}},
                     {"image", {{2, 1}, std::vector{0.5F, 0.25F}}},
                     {"unread", {{1}, Ids{99}}}},
          .targets = {{1, 2}, Ids{1, 0}}};
}

std::string refused(const model::Sample& given) {
  return message_of(ErrorKind::input,
                    [&] { make_inputs(reading(), given, known, devices().at("cpu")); });
}

TEST(Inputs, AreMatchedByName) {
  const auto inputs = make_inputs(reading(), sample(), known, devices().at("cpu"));
  const auto& tensors = inputs.state().tensors;
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_EQ(tensors[0][0][0].item<std::int64_t>(), 1);
  EXPECT_EQ(tensors[1][1][0].item<float>(), 0.25F);
  EXPECT_EQ(tensors[2][0][1].item<std::int64_t>(), 4);
}

TEST(Inputs, RealsTakeTheTypeOfTheProgram) {
  const fixture::StoredModel stored({{"w", {{2, 1}, {2, 3}}}});
  for (const auto precision : {Precision::fp32, Precision::fp64, Precision::bf16}) {
    auto parameters = stored.parameters(precision);
    graph::Graph graph;
    const auto x = graph.add_input("image", ElementType::real, {2, 1});
    const auto w = graph.add_parameter("w", {2, 1});
    graph.outputs = {graph.add_node("aten::mul.Tensor", {x, w}, {2, 1}, "product")};
    Program program(graph, parameters);
    EXPECT_EQ(program.run(make_inputs(graph, sample(), {}, devices().at("cpu"))),
              (std::vector<double>{1, 0.75}));
  }
}

TEST(Inputs, RefuseWhatIsMissing) {
  auto given = sample();
  given.inputs.erase("image");
  EXPECT_EQ(refused(given), "input image is missing (the sample has tokens, unread)");
  given = sample();
  given.targets = {};
  EXPECT_EQ(refused(given), "input labels is missing: the sample has no targets");
}

TEST(Inputs, RefuseOtherTypesShapesAndNumbers) {
  auto given = sample();
  given.inputs["tokens"].values = std::vector{3.0F, 4.0F};
  EXPECT_EQ(refused(given), "input tokens is given reals (the graph reads indices)");
  given = sample();
  given.inputs["image"].values = Ids{1, 2};
  EXPECT_EQ(refused(given), "input image is given indices (the graph reads reals)");
  given = sample();
  given.inputs["image"].shape = {1, 2};
  EXPECT_EQ(refused(given),
            "input image of shape [1, 2] does not fit (the graph was built for [2, 1])");
  given = sample();
  given.inputs["tokens"].values = Ids{3};
  EXPECT_EQ(refused(given), "input tokens is given 1 numbers (its shape [1, 2] has 2)");
}

TEST(Inputs, RefuseIndicesOutsideTheModelsBound) {
  for (const std::int64_t wrong : {5, -1}) {
    auto given = sample();
    given.inputs["tokens"].values = Ids{0, wrong};
    EXPECT_EQ(refused(given), "input tokens holds " + std::to_string(wrong) +
                                  " at place 1 (the model knows 0 to 4)");
    given = sample();
    given.targets.values = Ids{wrong, 0};
    EXPECT_EQ(refused(given), "input labels holds " + std::to_string(wrong) +
                                  " at place 0 (the model knows 0 to 4)");
  }
}

TEST(Inputs, WeightsAreOneWhereASampleHasNone) {
  auto graph = reading();
  graph.add_input("weights", ElementType::fp32, {1, 2});
  auto given = sample();
  const auto weights = [&] {
    return make_inputs(graph, given, known, devices().at("cpu")).state().tensors[3];
  };
  EXPECT_TRUE(weights().equal(at::ones({1, 2})));
  given.weights = {0, 0.5};
  EXPECT_TRUE(weights().equal(at::tensor({0.0F, 0.5F}).view({1, 2})));
  given.weights = {0, 0};
  EXPECT_EQ(message_of(ErrorKind::input, weights),
            "input weights is 0 throughout (no target of the sample counts)");
}

TEST(Inputs, RefuseWeightsThatALossDoesNotRead) {
  auto given = sample();
  given.weights = {1, 0};
  EXPECT_NE(refused(given).find("input labels has weights"), std::string::npos);
}

}  // namespace
}  // namespace gainsweep::execute

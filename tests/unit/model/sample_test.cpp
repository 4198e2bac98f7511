#include "model/sample.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "files.hpp"

namespace gainsweep::model {
namespace {

using ::testing::HasSubstr;

Sample with_weights(std::vector<float> weights) {
  return {.targets = {{1, 3}, std::vector<std::int64_t>{4, 5, 6}}, .weights = std::move(weights)};
}

TEST(Sample, CountsTargetsWhoseWeightIsNotZero) {
  EXPECT_EQ(num_targets(with_weights({})), 3);
  EXPECT_EQ(num_targets(with_weights({1, 0, 0.5F})), 2);
  EXPECT_EQ(num_targets(with_weights({0, 0, 0})), 0);
}

TEST(Sample, RefusesWeightsWithoutMeaning) {
  EXPECT_THAT(refusal([] { num_targets(with_weights({1, 1})); }), HasSubstr("3 targets and 2"));
  for (const float weight : {-1.0F, INFINITY, NAN}) {
    EXPECT_THAT(refusal([&] {
                  num_targets(with_weights({1, weight, 1}));
                }),
                HasSubstr("negative or not finite"));
  }
}

TEST(Sample, CountsThroughInputsWithinTheirBounds) {
  Model model;
  model.inputs = {{"ids", graph::ElementType::index, {batch_size, 4}, 3},
                  {"image", graph::ElementType::real, {batch_size, 2}}};
  graph::Graph graph;
  graph.add_input("ids", graph::ElementType::index, {1, 4});
  graph.add_input("image", graph::ElementType::real, {1, 2});
  const auto sample = counting_sample(graph, model);
  EXPECT_EQ(std::get<0>(sample.inputs.at("ids").values), (std::vector<std::int64_t>{0, 1, 2, 0}));
  EXPECT_EQ(std::get<1>(sample.inputs.at("image").values), (std::vector{0.0F, 1.0F / 256}));
  EXPECT_EQ(sample.inputs.at("image").shape, (graph::Shape{1, 2}));
  graph.add_input("handed_on", graph::ElementType::real, {1, 2});
  EXPECT_EQ(std::get<1>(counting_sample(graph, model).inputs.at("handed_on").values),
            (std::vector{0.0F, 1.0F / 256}))
      << "a piece of a graph";
  graph.add_input("others", graph::ElementType::index, {1, 2});
  EXPECT_THROW(counting_sample(graph, model), Error);
}

}  // namespace
}  // namespace gainsweep::model

#include "sensitivity/loss_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/throws.hpp"

namespace gainsweep::sensitivity {
namespace {

LossErrors errors(double mean_square_loss, double targets) {
  return {.d = {}, .mean_square_loss = mean_square_loss, .samples = 4, .targets = targets};
}

TEST(LossModels, PredictTheThresholdAtTheirLimit) {
  for (const auto& model : loss_models()) {
    SCOPED_TRACE(model.name);
    for (const double threshold : {1e-7, 1e-4, 3e-2, 0.5})
      for (const double targets : {1, 256, 8192}) {
        const auto given = errors(7.5, targets);
        const double wanted = threshold * threshold * 7.5;
        const double limit = model.limit(given, threshold);
        EXPECT_NEAR(model.predicted(given, limit) / wanted, 1, 1e-12);
        EXPECT_TRUE(model.is_of_divergence || limit <= wanted);
        for (const double rate : {0.0, 40.0, -1e5}) {
          auto anchored = given;
          anchored.bias_rate = rate;
          EXPECT_NEAR(model.predicted(anchored, model.limit(anchored, threshold)) / wanted, 1,
                      1e-12);
        }
      }
  }
}

TEST(LossModels, FollowTheirFormulas) {
  const auto& first_order = loss_models().at("first_order");
  const auto& bias = loss_models().at("bias");
  const double allowed = 0.01 * 0.01 * 4;
  const double expected = 2 * (std::sqrt(1 + 100.0 * 100.0 * allowed) - 1) / (100.0 * 100.0);
  EXPECT_NEAR(bias.limit(errors(4, 100), 0.01) / expected, 1, 1e-12);
  EXPECT_DOUBLE_EQ(first_order.limit(errors(4, 100), 0.01), allowed);
  EXPECT_DOUBLE_EQ(first_order.predicted(errors(4, 4), 0.5), 0.5);
  EXPECT_DOUBLE_EQ(bias.predicted(errors(4, 4), 0.5), 0.5 + 1);
}

TEST(LossModels, TakeADivergenceForItsCurvatureAlone) {
  const auto& second_order = loss_models().at("second_order");
  EXPECT_DOUBLE_EQ(second_order.predicted(errors(4, 10), 0.5), 2.5 * 2.5);
  EXPECT_DOUBLE_EQ(second_order.bias(errors(4, 10), 0.5), 2.5);
  EXPECT_DOUBLE_EQ(second_order.limit(errors(4, 10), 0.01), 0.02 / 5);
}

TEST(LossModels, AnchoredTakesTheMeasuredRate) {
  const auto& anchored = loss_models().at("anchored");
  auto given = errors(4, 100);
  EXPECT_EQ(anchored.predicted(given, 0.5), loss_models().at("bias").predicted(given, 0.5));
  for (const double rate : {7.0, -7.0}) {
    given.bias_rate = rate;  // a falling loss is as far away as a rising one
    EXPECT_DOUBLE_EQ(anchored.predicted(given, 0.5), 0.5 + 3.5 * 3.5);
    EXPECT_DOUBLE_EQ(anchored.bias(given, 0.5), rate / 2);
    const double allowed = 0.01 * 0.01 * 4;
    EXPECT_NEAR(anchored.limit(given, 0.01) / (2 * allowed / (1 + std::sqrt(1 + 4 * 49 * allowed))),
                1, 1e-12);
  }
  given.bias_rate = 0;
  EXPECT_EQ(anchored.limit(given, 0.01), loss_models().at("first_order").limit(given, 0.01));
}

TEST(LossModels, AreChosenByName) {
  EXPECT_ERROR(loss_models().at("first"), ErrorKind::config, "'first' is not one of first_order");
}

}  // namespace
}  // namespace gainsweep::sensitivity

#include "sensitivity/prediction.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gainsweep::sensitivity {
namespace {

const LossModel& model(const std::string& name) {
  return loss_models().at(name);
}

/// Samples that are all alike: nothing is uncertain but the model.
Evidence alike() {
  static const std::vector<AnchorRecord> anchors(
      4, {2, execute::Confidence{1.5, 5}, {{0.3, {0.3, 0.0}}}});
  return {{2, 2, 2}, {0.01, 0.01, 0.01}, {8, 8, 8}, anchors, 3};
}

TEST(Predictor, AddsTheMeasuredBias) {
  const Predictor predictor(alike());
  const auto rate = predictor.bias_rate();
  ASSERT_TRUE(rate);
  EXPECT_NEAR(rate->value, 30, 1e-12);
  const auto found = predictor.predict(model("anchored"), {0.004, 0.004, 0.004});
  EXPECT_NEAR(found.mean_square, 0.004 + 0.12 * 0.12, 1e-12);
  EXPECT_NEAR(found.error, std::sqrt(found.mean_square) / 2, 1e-12);
}

TEST(Predictor, WidensEveryIntervalByTheModelsError) {
  const Predictor predictor(alike());
  for (const auto& row : loss_models()) {
    const auto found = predictor.predict(row, {0.004, 0.004, 0.004});
    const double factor = std::exp(1.959964 * 0.15 / 2);
    EXPECT_NEAR(found.high / found.error, factor, 1e-9) << row.name;
    EXPECT_NEAR(found.error / found.low, factor, 1e-9) << row.name;
  }
}

TEST(Predictor, DrawsSamplesAndAnchors) {
  auto evidence = alike();
  evidence.losses = {1, 2, 3};
  evidence.anchor_terms = {0.01, 0.02, 0.03};
  const Predictor predictor(evidence);
  const auto rate = *predictor.bias_rate();
  EXPECT_LT(rate.low, rate.value);
  EXPECT_GT(rate.high, rate.value);
  const auto found = predictor.predict(model("anchored"), {0.001, 0.002, 0.003});
  EXPECT_GT(found.high / found.error, 1.16) << "sampling and the model's error";
  const Predictor again(evidence);
  EXPECT_EQ(again.predict(model("anchored"), {0.001, 0.002, 0.003}).high, found.high);
  evidence.seed = 4;
  evidence.losses = {1, 2.5, 3};
  EXPECT_NE(Predictor(evidence).predict(model("anchored"), {0.001, 0.002, 0.003}).high, found.high);
}

TEST(Predictor, WithoutAnchorsIsBias) {
  auto evidence = alike();
  evidence.anchors = {};
  const Predictor predictor(evidence);
  EXPECT_FALSE(predictor.bias_rate());
  const std::vector<double> terms{0.001, 0.002, 0.003};
  const auto anchored = predictor.predict(model("anchored"), terms);
  const auto bias = predictor.predict(model("bias"), terms);
  EXPECT_EQ(anchored.mean_square, bias.mean_square);
  EXPECT_EQ(anchored.low, bias.low);
}

TEST(Predictor, WeighsTargetsByWhatSamplesAdd) {
  auto evidence = alike();
  evidence.anchors = {};
  evidence.anchor_terms = {0.01, 0.02, 0.05};
  evidence.targets = {4, 8, 16};
  const Predictor predictor(evidence);
  EXPECT_NEAR(predictor.targets(), (0.04 + 0.16 + 0.8) / 0.08, 1e-12);
  // Of what is shared out among the samples as that is, the bias is the mean of theirs.
  const auto found = predictor.predict(model("bias"), {0.001, 0.002, 0.005});
  EXPECT_NEAR(found.bias, (2 * 0.001 + 4 * 0.002 + 8 * 0.005) / 3, 1e-12);
}

TEST(Predictor, OfNothingLoweredIsNothing) {
  const auto found = Predictor(alike()).predict(model("anchored"), {0, 0, 0});
  EXPECT_EQ(found.error, 0);
  EXPECT_EQ(found.low, 0);
  EXPECT_EQ(found.high, 0);
}

}  // namespace
}  // namespace gainsweep::sensitivity

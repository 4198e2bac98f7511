#include "sensitivity/anchor.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/throws.hpp"

namespace gainsweep::sensitivity {
namespace {

std::vector<Sureness> samples() {
  return {{3, execute::Confidence{2.5, 4}}, {2, execute::Confidence{1.7, 6}}};
}

TEST(MeanChange, IsTheDivergenceLessWhatFlatteningTakesBack) {
  // Measured and closed form agree, so that the weight between them does not matter.
  const double gap = (0.5 + 0.3) / 2, flattening = (0.02 + 0.03) / (4 + 6);
  const double change = (0.01 + 0.03) / 2 - gap * flattening;
  const std::vector<Shift> shifts{{change - 0.1, {0.01, 0.02}}, {change + 0.1, {0.03, 0.03}}};
  const auto found = mean_change(samples(), shifts);
  EXPECT_NEAR(found.change, change, 1e-15);
  EXPECT_NEAR(found.measured, change, 1e-15);
  EXPECT_DOUBLE_EQ(found.divergence, 0.02);
  EXPECT_NEAR(found.gap, gap, 1e-15);
  EXPECT_NEAR(found.flattening, flattening, 1e-15);
}

TEST(MeanChange, LeansOnTheMeasuredMeanWhereTheCorrectionIsLarge) {
  const std::vector<Shift> shifts{{-0.2, {0.01, 3}}, {0.1, {0.03, 2}}};
  const auto found = mean_change(samples(), shifts);
  const double correction = 0.4 * 0.5;
  const double closed = 0.02 - correction;
  const double error = 0.15 * 0.15;  // of the mean of two numbers 0.3 apart
  const double t = correction / 2;
  const double weight = t * t / (t * t + error);
  EXPECT_NEAR(found.change, closed + weight * (-0.05 - closed), 1e-12);
}

TEST(MeanChange, OfOneSampleIsTheClosedForm) {
  const auto found = mean_change({samples().data(), 1}, std::vector<Shift>{{0.5, {0.01, 0.4}}});
  EXPECT_NEAR(found.change, 0.01 - 0.5 * 0.1, 1e-15);
}

TEST(MeanChange, IsTheMeasuredOneWherePredictionsShowNothing) {
  const std::vector<Sureness> plain{{3, {}}, {2, {}}};
  const auto found = mean_change(plain, std::vector<Shift>{{0.3, {}}, {-0.1, {}}});
  EXPECT_NEAR(found.change, 0.1, 1e-15);
  EXPECT_EQ(found.gap, 0);
}

TEST(MeanChange, OfPredictionsWithoutSpreadHasNoFlattening) {
  const std::vector<Sureness> uniform{{1, execute::Confidence{1, 0}}};
  EXPECT_EQ(mean_change(uniform, std::vector<Shift>{{0, {0.25, 0}}}).change, 0.25);
}

TEST(MeanChange, RefusesWhatDoesNotFit) {
  EXPECT_ERROR(mean_change({}, {}), ErrorKind::internal, "0 samples with 0 changes");
  EXPECT_ERROR(mean_change(samples(), std::vector<Shift>{{0, {}}}), ErrorKind::internal,
               "2 samples with 1 changes");
}

std::vector<AnchorRecord> records() {
  return {{3, execute::Confidence{2.5, 4}, {{0.1, {0.01, 0.02}}, {0.4, {0.2, 0.8}}}},
          {2, execute::Confidence{1.7, 6}, {{0.0, {0.03, 0.03}}, {0.3, {0.1, 0.4}}}}};
}

TEST(MeanChanges, AreThoseOfEachFormat) {
  const auto all = mean_changes(records());
  ASSERT_EQ(all.size(), 2u);
  const std::vector<Shift> second{{0.4, {0.2, 0.8}}, {0.3, {0.1, 0.4}}};
  EXPECT_EQ(all[1].change, mean_change(samples(), second).change);
  const std::size_t twice[] = {1, 1};
  const auto drawn = mean_changes(records(), twice);
  EXPECT_NEAR(drawn[0].divergence, 0.03, 1e-15);
  EXPECT_ERROR(mean_changes({}), ErrorKind::internal, "no anchors");
}

TEST(BiasRate, KeepsItsSign) {
  const std::vector<MeanChange> changes{{.change = 0.1}, {.change = -0.3}};
  EXPECT_NEAR(bias_rate(changes, 0.02), -10, 1e-12);
  EXPECT_EQ(bias_rate(changes, 0), 0);
}

}  // namespace
}  // namespace gainsweep::sensitivity

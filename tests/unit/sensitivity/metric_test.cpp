#include "sensitivity/metric.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

Searched all_high() {
  return {{1, 2, 3, 4}, {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 0, 1}};
}

Searched plan() {
  return {{1.1, 1.9, 3.2, 4}, {0.1, 0.2, 0.3, 0.4}, {0, 0, 0, 0}, {1, 0, 1, 0.5}, {1, 0, 0, 1}};
}

MeasuredError measured(const std::string& name) {
  return metrics().at(name).of(all_high(), plan());
}

TEST(Metric, OfTheLossIsTau) {
  const auto expected = measured_error(all_high().losses, plan().losses);
  EXPECT_EQ(measured("loss_error").value, expected.value);
  EXPECT_EQ(measured("loss_error").standard_error, expected.standard_error);
}

TEST(Metric, OfPredictionsAreMeansWithStandardErrors) {
  EXPECT_DOUBLE_EQ(measured("divergence").value, 0.25);
  // The standard deviation of 0.1 to 0.4 over √4.
  EXPECT_NEAR(measured("divergence").standard_error, std::sqrt(0.05 / 3) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(measured("agreement").value, 0.375);
}

TEST(Metric, OfAccuracyIsWhatIsLostOfIt) {
  // One of four is lost, of three that were right.
  EXPECT_DOUBLE_EQ(measured("accuracy").value, 1.0 / 3);
  EXPECT_NEAR(measured("accuracy").standard_error, std::sqrt(0.75 / 3 / 4) / 0.75, 1e-12);
  auto better = plan();
  better.top1 = {1, 1, 1, 1};
  EXPECT_LT(metrics().at("accuracy").of(all_high(), better).value, 0);
  auto wrong = all_high();
  wrong.top1 = {0, 0, 0, 0};
  EXPECT_EQ(metrics().at("accuracy").of(wrong, plan()).value, 0);
}

TEST(Metric, OfAllHighItselfIsNothing) {
  for (const auto& metric : metrics()) {
    EXPECT_EQ(metric.of(all_high(), all_high()).value, 0) << metric.name;
    EXPECT_EQ(metric.of(all_high(), all_high()).standard_error, 0) << metric.name;
  }
}

TEST(Metric, RefusesWhatWasNotMeasured) {
  for (const auto& metric : metrics()) {
    EXPECT_THROW(metric.of({}, {}), Error) << metric.name;
    EXPECT_THROW(metric.of(all_high(), {}), Error) << metric.name;
  }
}

}  // namespace
}  // namespace gainsweep::sensitivity

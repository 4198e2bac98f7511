#include "sensitivity/loss_error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "sensitivity/noise.hpp"
#include "unit/throws.hpp"

namespace gainsweep::sensitivity {
namespace {

std::vector<format::Format> formats() {
  return {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3")};
}

std::vector<graph::Op> ops() {
  graph::Op weighted, single;
  weighted.operands = {{.role = graph::OperandRole::activation},
                       {.role = graph::OperandRole::weight}};
  single.operands = {{.role = graph::OperandRole::activation}};
  return {weighted, single};
}

/// Two samples of one op with two operands and one with one.
std::vector<execute::ProbeRecord> records() {
  execute::ProbeRecord first{3,
                             {{{2, {0.5, -1}, {1, 2}, {24, 0}}, {4, {0.25, 3}, {2, 5}, {12, 0}}},
                              {{1, {1, 1}, {0.5, 1}, {6, 0}}}},
                             8};
  execute::ProbeRecord second{4,
                              {{{6, {-1, 1}, {0, 1}, {0, 0}}, {8, {0, 0}, {3, 4}, {12, 0}}},
                               {{3, {2, -2}, {1.5, 2}, {18, 0}}}},
                              8};
  return {first, second};
}

TEST(LossErrors, AddSignedErrorsOfOperandsBeforeSquaring) {
  const auto errors = loss_errors({records(), ops(), formats()}, noises().at("empirical"));
  EXPECT_EQ(errors.samples, 2);
  EXPECT_EQ(errors.targets, 8);
  EXPECT_DOUBLE_EQ(errors.mean_square_loss, 12.5);
  EXPECT_EQ(errors.d, (std::vector<std::vector<double>>{{0, (0.75 * 0.75 + 1) / 2, (4.0 + 1) / 2},
                                                        {0, 2.5, 2.5}}));
}

TEST(LossErrors, AddSquaresOfElements) {
  const auto errors = loss_errors({records(), ops(), formats()}, noises().at("squares"));
  EXPECT_EQ(errors.d, (std::vector<std::vector<double>>{{0, (3 + 3) / 2.0, (7 + 5) / 2.0},
                                                        {0, (0.5 + 1.5) / 2, (1 + 2) / 2.0}}));
}

TEST(LossErrors, ScaleSensitivitiesByTheNoiseOfTheFormat) {
  for (const std::string noise : {"paper", "log_uniform"}) {
    const auto errors = loss_errors({records(), ops(), formats()}, noises().at(noise));
    const double alpha = 1.0 / 12 / 64 * (noise == "paper" ? 1 : 3 / (8 * std::log(2.0)));
    EXPECT_NEAR(errors.d[0][2], alpha * 10, 1e-15);
    EXPECT_NEAR(errors.d[1][2], alpha * 2, 1e-15);
    // The uniform error of an integer step under either name.
    EXPECT_DOUBLE_EQ(errors.d[0][1], (3.0 + 1.0) / 2);
    EXPECT_DOUBLE_EQ(errors.d[1][1], (0.5 + 1.5) / 2);
    EXPECT_EQ(errors.d[0][0], 0);
  }
}

TEST(LossErrors, TakeEachOperandByItsNumberFormat) {
  // Weights of integers beside floating activations, and beside activations that stay high.
  const std::vector<format::Format> pairs{format::by_name("bf16"), format::by_name("w4afp8_g32"),
                                          format::by_name("w4a16_g32")};
  const auto errors = loss_errors({records(), ops(), pairs}, noises().at("paper"));
  const double alpha = 1.0 / 12 / 64;
  EXPECT_NEAR(errors.d[0][1], (alpha * 2 + 1 + alpha * 6 + 1) / 2, 1e-15);
  EXPECT_NEAR(errors.d[1][1], alpha * 2, 1e-15);
  EXPECT_EQ(errors.d[1][2], 0);
}

/// The bias of what every op in every format adds is the mean of the samples' own.
TEST(LossErrors, WeighTargetsByWhatSamplesAdd) {
  auto all = records();
  for (const auto& noise : noises()) {
    all[1].targets = 3;
    const auto sums = totals(noise.contributions({all, ops(), formats()}));
    const double own = (8 * sums[0] + 3 * sums[1]) / 2, added = (sums[0] + sums[1]) / 2;
    EXPECT_NEAR(loss_errors({all, ops(), formats()}, noise).targets, own / added, 1e-12);
    all[1].targets = 8;
    EXPECT_EQ(loss_errors({all, ops(), formats()}, noise).targets, 8) << "to the bit";
  }
  EXPECT_EQ(mean_targets(std::vector<double>{8, 3}, std::vector<double>{0, 0}), 5.5);
  EXPECT_ERROR(mean_targets(std::vector<double>{8}, {}), ErrorKind::internal, "for 0 samples");
}

TEST(LossErrors, RefuseRecordsThatDoNotFit) {
  EXPECT_ERROR(loss_errors({{}, ops(), formats()}, noises().at("paper")), ErrorKind::internal,
               "there are no scores to take errors from");
  auto fewer_ops = records();
  fewer_ops[1].operands.pop_back();
  EXPECT_ERROR(loss_errors({fewer_ops, ops(), formats()}, noises().at("paper")),
               ErrorKind::internal, "scores and run differ in their ops");
  auto fewer_formats = records();
  fewer_formats[1].operands[0][1].step_norm.pop_back();
  EXPECT_ERROR(loss_errors({fewer_formats, ops(), formats()}, noises().at("empirical")),
               ErrorKind::internal, "differ in their low formats");
}

TEST(Contributions, AreTheTermsOfTheMean) {
  for (const auto& noise : noises()) {
    const auto terms = noise.contributions({records(), ops(), formats()});
    const auto errors = loss_errors({records(), ops(), formats()}, noise);
    ASSERT_EQ(terms.size(), 2u);
    for (std::size_t op = 0; op < 2; ++op)
      for (std::size_t f = 0; f < 3; ++f)
        EXPECT_DOUBLE_EQ((terms[0][op][f] + terms[1][op][f]) / 2, errors.d[op][f]);
  }
}

}  // namespace
}  // namespace gainsweep::sensitivity

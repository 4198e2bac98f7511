#include "sensitivity/shrinkage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace gainsweep::sensitivity {
namespace {

using testing::Each;

constexpr std::size_t num_samples = 64, num_ops = 60;

/// Ops whose elements' errors act together more or less (`coherence` is the standard deviation of
/// the logarithm); a sample's signed error is normal with that variance.
struct MadeUp {
  Contributions empirical, squares;
  std::vector<double> truth;

  MadeUp(double coherence, unsigned seed) {
    std::mt19937 bits(seed);
    std::normal_distribution<double> normal;
    std::vector<double> size(num_ops);
    for (auto& s : size) {
      s = std::exp(2 * normal(bits));
      truth.push_back(3 * s * std::exp(coherence * normal(bits)));
    }
    for (std::size_t r = 0; r < num_samples; ++r) {
      auto& e = empirical.emplace_back();
      auto& q = squares.emplace_back();
      for (std::size_t op = 0; op < num_ops; ++op) {
        e.push_back({0, truth[op] * std::pow(normal(bits), 2)});
        q.push_back({0, size[op] * std::exp(0.2 * normal(bits))});
      }
    }
  }

  /// Standard deviation of the logarithm of estimated over true loss errors.
  double miss(const Contributions& of) const {
    double sum = 0, square = 0;
    for (std::size_t op = 0; op < num_ops; ++op) {
      double mean = 0;
      for (const auto& of_sample : of) mean += of_sample[op][1] / num_samples;
      const double ratio = std::log(mean / truth[op]);
      sum += ratio / num_ops;
      square += ratio * ratio / num_ops;
    }
    return std::sqrt(square - sum * sum);
  }
};

double total(const Contributions& of) {
  double sum = 0;
  for (const auto& of_sample : of)
    for (const auto& of_op : of_sample) sum += of_op[1];
  return sum;
}

TEST(Shrinkage, TrustsSquaresWhereRatiosSpreadAsSamplingMakesThem) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const MadeUp made(0, seed);
    const auto found = shrunken(made.empirical, made.squares);
    EXPECT_LT(found.by_format[0].reliability, 0.45);
    EXPECT_NEAR(found.by_format[0].factor, 3, 0.3);
    EXPECT_LT(made.miss(found.contributions), 0.6 * made.miss(made.empirical));
  }
}

TEST(Shrinkage, TrustsSignedErrorsWhereOpsDiffer) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const MadeUp made(1, seed);
    const auto found = shrunken(made.empirical, made.squares);
    EXPECT_GT(found.by_format[0].reliability, 0.9);
    EXPECT_LT(made.miss(found.contributions), 1.05 * made.miss(made.empirical));
  }
}

TEST(Shrinkage, IsAheadOfBothInBetween) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const MadeUp made(0.2, seed);
    const double miss = made.miss(shrunken(made.empirical, made.squares).contributions);
    EXPECT_LT(miss, made.miss(made.empirical));
    EXPECT_LT(miss, made.miss(made.squares));
  }
}

TEST(Shrinkage, KeepsTheSumOverOps) {
  const MadeUp made(0.2, 1);
  const auto found = shrunken(made.empirical, made.squares);
  EXPECT_NEAR(total(found.contributions) / total(made.empirical), 1, 1e-12);
}

TEST(Shrinkage, TakesASingleSampleForNoMoreThanItsSum) {
  const Contributions empirical{{{0, 8}, {0, 1}}}, squares{{{0, 1}, {0, 2}}};
  const auto found = shrunken(empirical, squares);
  EXPECT_EQ(found.by_format[0].reliability, 0);
  EXPECT_DOUBLE_EQ(found.by_format[0].factor, 2);  // of 8 and 1/2
  EXPECT_DOUBLE_EQ(found.contributions[0][0][1], 3);
  EXPECT_DOUBLE_EQ(found.contributions[0][1][1], 6);
}

TEST(Shrinkage, LeavesOpsAloneThatNothingIsRoundedIn) {
  const Contributions empirical{{{0, 0}, {0, 1}}, {{0, 0}, {0, 3}}};
  const Contributions squares{{{0, 0}, {0, 2}}, {{0, 0}, {0, 2}}};
  const auto found = shrunken(empirical, squares);
  for (const auto& of_sample : found.contributions) EXPECT_THAT(of_sample[0], Each(0));
  const Contributions nothing{{{0, 0}}, {{0, 0}}};
  EXPECT_EQ(shrunken(nothing, nothing).contributions, nothing);
}

}  // namespace
}  // namespace gainsweep::sensitivity

#include "format/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "unit/throws.hpp"

namespace gainsweep::format {
namespace {

TEST(Format, EveryNameGivesItsFormat) {
  EXPECT_THAT(names(),
              testing::ElementsAre("bf16", "int8", "fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"));
  for (const auto& name : names()) EXPECT_EQ(by_name(name).name, name);
}

TEST(Format, ScaleRulesAreThoseOfTheDesign) {
  EXPECT_EQ(by_name("bf16").activation_scale, ScaleRule::fixed);
  EXPECT_EQ(by_name("bf16").bits, 16);
  for (const auto* name : {"int8", "fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"}) {
    const Format format = by_name(name);
    const bool gaudi = format.name == "fp8_e4m3_gaudi2";
    EXPECT_EQ(format.bits, 8) << name;
    EXPECT_EQ(format.activation_scale, ScaleRule::static_max) << name;
    EXPECT_EQ(format.activation_backoff, gaudi ? 0.25 : 1) << name;
    EXPECT_EQ(format.weight_backoff, gaudi ? 0.5 : 1) << name;
    EXPECT_EQ(format.weight_granularity == Granularity::channel, format.name == "int8") << name;
    EXPECT_EQ(format.scale_grid, gaudi ? "gaudi2" : "arbitrary") << name;
  }
}

TEST(Format, UnknownNameGivesAHint) {
  try {
    by_name("fp8_e4m4");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_THAT(error.what(), testing::HasSubstr("unknown number format 'fp8_e4m4'"));
    EXPECT_THAT(error.what(), testing::HasSubstr("Did you mean 'fp8_e4m3'?"));
  }
  EXPECT_ERROR(by_name(""), ErrorKind::config, "unknown number format ''");
}

/// The mean of (z·u)² over a log-uniform mantissa, u uniform within half a step of 2^-m, by sums.
double mean_square_rounding_error(int mantissa_bits) {
  constexpr int count = 100000;
  double mean = 0;
  for (int i = 0; i < count; ++i) {
    const double z = std::exp2((i + 0.5) / count);
    const double step = std::ldexp(1.0, -mantissa_bits);
    mean += step * step / 12 / (z * z) / count;
  }
  return mean;
}

TEST(Noise, FollowsTheMantissa) {
  EXPECT_DOUBLE_EQ(paper_noise(by_name("fp8_e4m3").grid), 1.0 / 64 / 12);
  EXPECT_DOUBLE_EQ(paper_noise(by_name("fp8_e5m2").grid), 1.0 / 16 / 12);
  EXPECT_DOUBLE_EQ(paper_noise(by_name("bf16").grid), std::ldexp(1.0, -14) / 12);
  for (const auto* name : {"bf16", "fp8_e4m3", "fp8_e5m2"}) {
    const Grid grid = by_name(name).grid;
    const double expected = mean_square_rounding_error(grid.mantissa_bits);
    EXPECT_NEAR(log_uniform_noise(grid) / expected, 1, 1e-6) << name;
  }
}

TEST(Noise, OfIntegersIsTheVarianceOfAStep) {
  EXPECT_DOUBLE_EQ(paper_noise(by_name("int8").grid), 1.0 / 12);
  EXPECT_DOUBLE_EQ(log_uniform_noise(by_name("int8").grid), 1.0 / 12);
}

}  // namespace
}  // namespace gainsweep::format

#include "format/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "unit/throws.hpp"

namespace gainsweep::format {
namespace {

TEST(Format, EveryNameGivesItsFormat) {
  EXPECT_THAT(number_names(),
              testing::ElementsAre("bf16", "int8", "uint8", "int4", "fp8_e4m3", "fp8_e4m3_gaudi2",
                                   "fp8_e5m2", "mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e3m2",
                                   "mxfp6_e2m3", "mxfp4", "nvfp4", "int4_g32", "int4_g64",
                                   "int4_g128", "int8_g32", "int8_g64", "int8_g128"));
  for (const auto& name : names()) {
    const auto format = by_name(name);
    const auto [weight, activation] = composition(name);
    EXPECT_EQ(format.name, name);
    EXPECT_EQ(format.weight.name, weight);
    EXPECT_EQ(format.activation ? format.activation->name : "", activation);
  }
  for (const auto& name : number_names()) {
    EXPECT_EQ(composition(name).activation, name);
    EXPECT_EQ(composition(name).weight, name == "uint8" ? "int8" : name);
    EXPECT_EQ(number_by_name(name).name, name);
    EXPECT_EQ(number_by_name(name).grid.max, by_name(name).activation->grid.max);
  }
}

TEST(Format, PairsAreThoseOfRuntimes) {
  EXPECT_FALSE(by_name("w4a16_g128").activation);
  EXPECT_EQ(by_name("w4a16_g128").weight.block, 128);
  EXPECT_EQ(by_name("w4a8_g32").activation->name, "int8");
  EXPECT_EQ(by_name("w4afp8_g64").activation->grid.max, 448);
  EXPECT_EQ(by_name("mxfp4_fp8").weight.grid.max, 6);
  EXPECT_EQ(by_name("mxfp4_mxfp8").activation->block, 32);
  EXPECT_FALSE(by_name("nvfp4a16").activation);
}

TEST(Format, ScaleRulesAreThoseOfTheDesign) {
  EXPECT_EQ(by_name("bf16").weight.scale, ScaleRule::fixed);
  EXPECT_EQ(by_name("bf16").weight.bits, 16);
  for (const auto* name : {"int8", "fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"}) {
    const Format format = by_name(name);
    const bool gaudi = format.name == "fp8_e4m3_gaudi2";
    EXPECT_EQ(format.weight.bits, 8) << name;
    EXPECT_EQ(format.activation->scale, ScaleRule::static_max) << name;
    EXPECT_TRUE(has_static_scale(format)) << name;
    EXPECT_EQ(format.activation->backoff, gaudi ? 0.25 : 1) << name;
    EXPECT_EQ(format.weight.backoff, gaudi ? 0.5 : 1) << name;
    EXPECT_EQ(format.weight.granularity == Granularity::channel, format.name == "int8") << name;
    EXPECT_EQ(shares_weight_scale(format), format.name != "int8") << name;
    EXPECT_EQ(format.weight.scale_grid, gaudi ? "gaudi2" : "arbitrary") << name;
  }
}

TEST(Format, ActivationsOfUint8HaveNoSign) {
  const auto uint8 = by_name("uint8"), int8 = by_name("int8");
  EXPECT_EQ(uint8.activation->grid.max, 255);
  EXPECT_EQ(uint8.activation->bits, 8);
  EXPECT_TRUE(uint8.activation->grid.is_unsigned);
  EXPECT_TRUE(has_static_scale(uint8));
  EXPECT_EQ(uint8.weight.name, int8.weight.name);
  EXPECT_EQ(uint8.weight.granularity, Granularity::channel);
  for (const auto& name : number_names())
    EXPECT_EQ(number_by_name(name).grid.is_unsigned, name == "uint8") << name;
}

TEST(Format, BlocksHaveScalesOfTheirOwn) {
  for (const auto& name : number_names()) {
    const auto format = by_name(name);
    if (format.weight.granularity != Granularity::block) continue;
    const bool two_level = name == "nvfp4";
    EXPECT_EQ(has_static_scale(format), two_level) << name;
    EXPECT_EQ(shares_weight_scale(format), two_level) << name;
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
  EXPECT_DOUBLE_EQ(paper_noise(number_by_name("fp8_e4m3").grid), 1.0 / 64 / 12);
  EXPECT_DOUBLE_EQ(paper_noise(number_by_name("fp8_e5m2").grid), 1.0 / 16 / 12);
  EXPECT_DOUBLE_EQ(paper_noise(number_by_name("bf16").grid), std::ldexp(1.0, -14) / 12);
  for (const auto* name : {"bf16", "fp8_e4m3", "fp8_e5m2"}) {
    const Grid grid = number_by_name(name).grid;
    const double expected = mean_square_rounding_error(grid.mantissa_bits);
    EXPECT_NEAR(log_uniform_noise(grid) / expected, 1, 1e-6) << name;
  }
}

TEST(Noise, OfIntegersIsTheVarianceOfAStep) {
  EXPECT_DOUBLE_EQ(paper_noise(number_by_name("int8").grid), 1.0 / 12);
  EXPECT_DOUBLE_EQ(log_uniform_noise(number_by_name("int8").grid), 1.0 / 12);
}

}  // namespace
}  // namespace gainsweep::format

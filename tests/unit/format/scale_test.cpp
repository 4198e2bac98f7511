#include "format/scale.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "format/kernel.hpp"

namespace gainsweep::format {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

NumberFormat with_grid(const std::string& name, const std::string& scale_grid) {
  auto number = number_by_name(name);
  number.scale_grid = scale_grid;
  return number;
}

float scale_of(NumberFormat number, float amax, double backoff) {
  number.backoff = backoff;
  return format::scale_of(number, amax);
}

/// Names of number formats without blocks.
std::vector<std::string> plain_names() {
  auto all = number_names();
  std::erase_if(
      all, [](const auto& name) { return number_by_name(name).granularity == Granularity::block; });
  return all;
}

TEST(Scale, DividesTheLargestMagnitude) {
  EXPECT_EQ(scale_of(number_by_name("fp8_e4m3"), 896, 1), 2);
  EXPECT_EQ(scale_of(with_grid("fp8_e4m3_gaudi2", "arbitrary"), 240, 0.25), 4);
  EXPECT_EQ(scale_of(number_by_name("int8"), 1, 1), 1.0F / 127.0F);
  EXPECT_EQ(scale_of(number_by_name("int4"), 1, 1), 1.0F / 7.0F);
  EXPECT_EQ(scale_of(number_by_name("uint8"), 1, 1), 1.0F / 255.0F);
}

TEST(Scale, IsOneWhereNothingIsToScale) {
  for (const auto& name : plain_names()) EXPECT_EQ(scale_of(number_by_name(name), 0, 1), 1) << name;
  EXPECT_EQ(scale_of(number_by_name("bf16"), 12, 1), 1);
}

TEST(Scale, NeverUnderflowsToZero) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const float least = std::numeric_limits<float>::min();
  EXPECT_EQ(scale_of(number_by_name("fp8_e5m2"), tiny, 1), least);
  EXPECT_EQ(scale_of(with_grid("fp8_e5m2", "power_of_two"), tiny, 1), least);
}

TEST(Scale, KeepsNonFiniteMagnitudesVisible) {
  for (const auto& grid : scale_grids()) {
    const auto format = with_grid("fp8_e4m3_gaudi2", grid.name);
    EXPECT_TRUE(std::isnan(scale_of(format, std::nanf(""), 1))) << grid.name;
    EXPECT_TRUE(std::isinf(scale_of(format, infinity, 1))) << grid.name;
  }
}

/// All scales that a format may have on a grid, in rising order: from the exponent biases.
std::vector<double> scales_on(const std::string& scale_grid, int default_bias) {
  std::vector<double> scales;
  if (scale_grid == "power_of_two")
    for (int e = -126; e <= 127; ++e) scales.push_back(std::ldexp(1.0, e));
  if (scale_grid == "gaudi2") scales = {0.00390625, 0.0625, 1, 16};
  if (scale_grid == "gaudi3")
    for (int bias = 62; bias >= 0; --bias) scales.push_back(std::ldexp(1.0, default_bias - bias));
  return scales;
}

/// By looking at all of them.
double nearest_above(const std::vector<double>& scales, double free) {
  for (const double scale : scales)
    if (scale >= free) return scale;
  return scales.back();
}

TEST(ScaleGrid, GivesTheLeastScaleThatIsNotBelowTheFreeOne) {
  std::mt19937 generator(5);
  std::uniform_real_distribution<double> exponent(-140, 127);
  for (const auto* grid : {"power_of_two", "gaudi2", "gaudi3"})
    for (const auto* name : {"fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"}) {
      const auto format = with_grid(name, grid);
      const auto scales = scales_on(grid, format.grid.exponent_bits == 5 ? 15 : 7);
      for (const double backoff : {1.0, 0.5, 0.25, 0.3}) {
        std::vector<float> maxima{std::numeric_limits<float>::max(), 1e-45F};
        for (const double scale : scales) {  // where one scale goes over into the next
          const auto at = static_cast<float>(scale * format.grid.max * backoff);
          if (!std::isfinite(at)) continue;
          maxima.insert(maxima.end(), {std::nextafter(at, 0.0F), at, std::nextafter(at, infinity)});
        }
        for (int i = 0; i < 500; ++i)
          maxima.push_back(static_cast<float>(std::exp2(exponent(generator))));
        for (const float amax : maxima) {
          if (amax == 0 || !std::isfinite(amax)) continue;
          const double free = amax / (format.grid.max * backoff);
          ASSERT_EQ(scale_of(format, amax, backoff), nearest_above(scales, free))
              << grid << ", " << name << ", " << amax << ", " << backoff;
        }
      }
    }
}

TEST(ScaleGrid, OfAGaudi2HasFourScales) {
  const auto format = *by_name("fp8_e4m3_gaudi2").activation;
  const auto scale = [&](float amax) {
    return format::scale_of(format, amax);  // of 240 a quarter: 60
  };
  EXPECT_EQ(scale(0.1F), 1.0F / 256);
  EXPECT_EQ(scale(60.0F / 256), 1.0F / 256);
  EXPECT_EQ(scale(std::nextafter(60.0F / 256, 1.0F)), 1.0F / 16);
  EXPECT_EQ(scale(3.75F), 1.0F / 16);
  EXPECT_EQ(scale(3.76F), 1);
  EXPECT_EQ(scale(60), 1);
  EXPECT_EQ(scale(61), 16);
  EXPECT_EQ(scale(1e6F), 16);
}

TEST(ScaleGrid, SaturatesBeyondItsLargestScale) {
  const auto format = *by_name("fp8_e4m3_gaudi2").activation;
  const float scale = format::scale_of(format, 5000);
  EXPECT_EQ(round_to(format.grid, 5000.0F, scale), 3840);
  EXPECT_EQ(round_to(format.grid, -1e30F, scale), -3840);
  EXPECT_EQ(round_to(format.grid, 3840.0F, scale), 3840);
  EXPECT_EQ(round_to(format.grid, 1.0F, scale), 1);
}

TEST(ScaleGrid, NeverSaturatesWhereItReachesTheFreeScale) {
  std::mt19937 generator(9);
  std::uniform_real_distribution<double> exponent(-20, 9);
  for (const auto& grid : scale_grids()) {
    const auto format = with_grid("fp8_e4m3_gaudi2", grid.name);
    for (int i = 0; i < 1000; ++i) {
      const auto amax = static_cast<float>(std::exp2(exponent(generator)));
      const float scale = scale_of(format, amax, 0.5);
      EXPECT_LE(amax / scale, 120 * (1 + 1e-6)) << grid.name << ", " << amax;
      EXPECT_LE(scale, scale_of(format, 2 * amax, 0.5));
    }
  }
}

TEST(ScaleGrid, SaysWhatAFormatCannotHave) {
  const auto obstacle = [](const std::string& grid, const std::string& name, Granularity shared) {
    auto number = number_by_name(name);
    number.granularity = shared;
    return scale_grids().at(grid).obstacle(number);
  };
  for (const auto& name : plain_names())
    for (const auto shared : {Granularity::tensor, Granularity::channel})
      for (const auto* grid : {"arbitrary", "power_of_two"})
        EXPECT_EQ(obstacle(grid, name, shared), "");
  EXPECT_EQ(obstacle("gaudi2", "fp8_e4m3_gaudi2", Granularity::tensor), "");
  EXPECT_THAT(obstacle("gaudi2", "fp8_e4m3", Granularity::tensor),
              testing::HasSubstr("for fp8_e4m3_gaudi2 alone"));
  EXPECT_THAT(obstacle("gaudi2", "fp8_e4m3_gaudi2", Granularity::channel),
              testing::HasSubstr("one for a whole tensor"));
  EXPECT_EQ(obstacle("gaudi3", "fp8_e5m2", Granularity::tensor), "");
  EXPECT_THAT(obstacle("gaudi3", "fp8_e5m2", Granularity::channel),
              testing::HasSubstr("one for a whole tensor"));
  EXPECT_THAT(obstacle("gaudi3", "int8", Granularity::tensor),
              testing::HasSubstr("integers have no exponent's bias"));
}

}  // namespace
}  // namespace gainsweep::format

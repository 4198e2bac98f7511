#include "format/range.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace gainsweep::format {
namespace {

NumberFormat number(const std::string& name) {
  auto found = by_name(name).weight;
  found.granularity = Granularity::channel;
  return found;
}

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(count);
  for (float& value : values) value = draw(random);
  return values;
}

double square_error(const NumberFormat& format, const std::vector<float>& values, float covered) {
  double sum = 0;
  for (const float z : values)
    sum += std::pow(double{round_to(format.grid, z, scale_of(format, covered))} - double{z}, 2);
  return sum;
}

TEST(Ranges, AreAllOrThoseOfLeastError) {
  EXPECT_EQ(ranges().names(), (std::vector<std::string>{"max", "mse"}));
  EXPECT_TRUE(covers_all(number("int8")));
}

TEST(Ranges, MaxIsTheLargestMagnitude) {
  const std::vector<float> values{0.5F, -3.0F, 1.0F};
  EXPECT_EQ(ranges().at("max").covered(number("int4"), values), 3.0F);
}

TEST(Ranges, MseHasTheLeastErrorOfAllClips) {
  for (const std::string name : {"int4", "int8", "fp8_e4m3"})
    for (const unsigned seed : {1U, 2U, 3U}) {
      const auto format = number(name);
      const auto values = normal(301, seed);
      const float amax = largest_magnitude<float>(values);
      const float found = ranges().at("mse").covered(format, values);
      const double least = square_error(format, values, found);
      const float step = found / amax * 32;
      EXPECT_NEAR(step, std::round(step), 1e-5) << "a multiple of 1/32";
      for (int other = 8; other <= 32; ++other)
        EXPECT_LE(least, square_error(format, values, amax * static_cast<float>(other) / 32))
            << name << " at " << other;
    }
}

TEST(Ranges, MseLeavesOutOutliersOfFewBits) {
  auto values = normal(1000, 5);
  values[7] = 6;
  EXPECT_LT(ranges().at("mse").covered(number("int4"), values), 4.0F);
}

TEST(Ranges, MseTakesTheLargestOfEqualOnes) {
  // At 7/32 and less it would be representable too, but the search ends at 1/4.
  const std::vector<float> values{7.0F, -7.0F};
  EXPECT_EQ(ranges().at("mse").covered(number("int4"), values), 7.0F);
  EXPECT_EQ(ranges().at("mse").covered(number("int4"), std::vector<float>(5, 0.0F)), 0.0F);
}

TEST(Ranges, ShowWhatIsNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& range : ranges()) {
    EXPECT_EQ(range.covered(number("int8"), std::vector<float>{1, -infinity}), infinity);
    EXPECT_TRUE(std::isnan(range.covered(number("int8"), std::vector<float>{1, NAN})));
  }
}

TEST(Ranges, MseNeedsAScaleAChannel) {
  auto format = number("int4");
  EXPECT_EQ(ranges().at("mse").obstacle(format), "");
  format.granularity = Granularity::tensor;
  EXPECT_NE(ranges().at("mse").obstacle(format), "");
  EXPECT_EQ(ranges().at("max").obstacle(format), "");
}

}  // namespace
}  // namespace gainsweep::format

// Rounding against tables of all values of each format, made here from the formats' definitions.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "format/format.hpp"
#include "format/kernel.hpp"
#include "format/variant.hpp"

namespace gainsweep::format {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// The non-negative values of a format in ascending order; a value's index is even where its last
/// mantissa bit is 0.
using Table = std::vector<double>;

/// The values of codes 0, 1, … up to the last that is neither infinite nor NaN.
Table floating_table(int exponent_bits, int mantissa_bits, int num_special_codes) {
  const int codes = 1 << (exponent_bits + mantissa_bits);
  const int per_binade = 1 << mantissa_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  Table table;
  for (int code = 0; code < codes - num_special_codes; ++code) {
    const int exponent = code / per_binade;
    const int mantissa = code % per_binade;
    const int significand = exponent == 0 ? mantissa : per_binade + mantissa;
    table.push_back(std::ldexp(significand, std::max(exponent, 1) - bias - mantissa_bits));
  }
  return table;
}

Table table_of(const std::string& name) {
  if (name == "bf16") return floating_table(8, 7, 128);           // the last exponent
  if (name == "fp8_e4m3") return floating_table(4, 3, 1);         // OCP: one NaN, no infinity
  if (name == "fp8_e4m3_gaudi2") return floating_table(4, 3, 8);  // IEEE: the last exponent
  if (name == "fp8_e5m2") return floating_table(5, 2, 4);
  if (name == "mxfp8_e4m3") return floating_table(4, 3, 1);
  if (name == "mxfp8_e5m2") return floating_table(5, 2, 4);
  if (name == "mxfp6_e3m2") return floating_table(3, 2, 0);  // OCP: no NaN below 8 bits
  if (name == "mxfp6_e2m3") return floating_table(2, 3, 0);
  if (name == "mxfp4" || name == "nvfp4") return floating_table(2, 1, 0);
  Table integers;
  const int last = name == "uint8" ? 255 : name.starts_with("int4") ? 7 : 127;
  for (int i = 0; i <= last; ++i) integers.push_back(i);
  return integers;
}

/// Whether the format has no negative values: integers of all codes.
bool lacks_sign(const Table& table) {
  return table.back() == 255;
}

/// The nearest table value, ties to the even code, saturating; the sign is kept.
double nearest(const Table& table, double value) {
  if (std::isnan(value)) return value;
  if (lacks_sign(table) && value <= 0) return 0;
  const double magnitude = std::min(std::abs(value), table.back());
  const auto above = std::lower_bound(table.begin(), table.end(), magnitude) - table.begin();
  auto best = above;
  if (above > 0) {
    const double up = table[above] - magnitude, down = magnitude - table[above - 1];
    if (down < up || (down == up && above % 2 == 1)) best = above - 1;
  }
  return std::copysign(table[best], value);
}

template <class T>
T expected(const Table& table, T z, float scale) {
  return static_cast<T>(nearest(table, z / static_cast<T>(scale))) * static_cast<T>(scale);
}

template <class T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

std::vector<float> with_neighbours(const std::vector<double>& points) {
  std::vector<float> values;
  for (const double point : points) {
    const auto value = static_cast<float>(point);
    for (const float x :
         {value, std::nextafter(value, infinity), std::nextafter(value, -infinity)}) {
      values.push_back(x);
      values.push_back(-x);
    }
  }
  return values;
}

/// Every table value and every midpoint of two, with their neighbours, and what lies outside.
std::vector<float> hard_values(const Table& table) {
  std::vector<double> points(table);
  for (std::size_t i = 1; i < table.size(); ++i) points.push_back((table[i - 1] + table[i]) / 2);
  std::vector<float> values = with_neighbours(points);
  const auto max = static_cast<float>(table.back());
  for (const float x :
       {0.0F, std::nextafter(max, infinity), max * 1.01F, max * 1.5F, max * 1e10F, infinity,
        not_a_number, std::numeric_limits<float>::max(), std::numeric_limits<float>::min(),
        std::numeric_limits<float>::denorm_min(), 1e-40F}) {
    values.push_back(x);
    values.push_back(-x);
  }
  return values;
}

std::vector<float> random_patterns(std::size_t count) {
  std::mt19937 generator(1);
  std::vector<float> values(count);
  for (auto& value : values) value = std::bit_cast<float>(static_cast<std::uint32_t>(generator()));
  return values;
}

std::vector<float> all_bf16() {
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    values.push_back(std::bit_cast<float>(bits << 16));
  }
  return values;
}

class Rounding : public testing::TestWithParam<std::string> {
 protected:
  const Grid grid = number_by_name(GetParam()).grid;
  const Table table = table_of(GetParam());

  template <class T>
  void expect_rounded(std::span<const T> values, float scale) {
    std::vector<T> rounded(values.size());
    round_span<T>(grid, scale, values, rounded);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size() && wrong < 10; ++i) {
      const T want = expected(table, values[i], scale);
      const T scalar = round_to(grid, values[i], scale);
      const bool right = same(scalar, want) && same(rounded[i], want);
      if (!right) ++wrong;
      EXPECT_TRUE(right) << values[i] << " at scale " << scale << ": scalar " << scalar << ", span "
                         << rounded[i] << ", table " << want;
    }
  }

  void expect_rounded_both(const std::vector<float>& values, float scale) {
    expect_rounded<float>(values, scale);
    const std::vector<double> wide(values.begin(), values.end());
    expect_rounded<double>(wide, scale);
  }
};

TEST_P(Rounding, TableEndsAtTheMaximum) {
  EXPECT_EQ(table.back(), grid.max);
}

TEST_P(Rounding, TableValuesStay) {
  for (const double value : table) {
    EXPECT_EQ(round_to(grid, static_cast<float>(value), 1), value);
    EXPECT_EQ(round_to(grid, static_cast<float>(-value), 1), lacks_sign(table) ? 0 : -value);
  }
}

TEST_P(Rounding, HardValues) {
  expect_rounded_both(hard_values(table), 1);
}

TEST_P(Rounding, HardValuesAtScales) {
  const auto at_one = hard_values(table);
  for (const float scale : {0.5F, 3.0F, 1.0F / 127, 0.0123F, 7.7e-5F, 1e5F}) {
    std::vector<float> values;
    for (const float value : at_one) {
      const float scaled = value * scale;
      for (const float x :
           {scaled, std::nextafter(scaled, infinity), std::nextafter(scaled, -infinity)}) {
        values.push_back(x);
      }
    }
    expect_rounded_both(values, scale);
  }
}

/// Scales whose significand lies next to a multiple of a power of two: there a product with 1/scale
/// may differ from the quotient next to a tie. And scales at the ends of the range of fp32.
TEST_P(Rounding, HardValuesAtHardScales) {
  const auto at_one = hard_values(table);
  std::mt19937 generator(2);
  for (int i = 0; i < 60; ++i) {
    const int trailing = 10 + static_cast<int>(generator() % 13);
    const std::uint32_t multiple = static_cast<std::uint32_t>(generator()) >> trailing << trailing;
    const std::uint32_t significand = (multiple + generator() % 21 - 10) & 0x7FFFFFu;
    const std::uint32_t exponent = i % 4 == 0 ? 1 + generator() % 250 : 100 + generator() % 50;
    const auto scale = std::bit_cast<float>(exponent << 23 | significand);
    std::vector<float> values;
    for (std::size_t k = i % 7; k < at_one.size(); k += 7) {
      const float scaled = at_one[k] * scale;
      values.push_back(scaled);
      values.push_back(std::nextafter(scaled, 0.0F));
    }
    expect_rounded<float>(values, scale);
  }
}

TEST_P(Rounding, RandomBitPatterns) {
  const auto values = random_patterns(1 << 20);
  expect_rounded_both(values, 1);
  expect_rounded<float>(values, 0.037F);
  expect_rounded<float>(values, 1e-30F);
  expect_rounded<float>(values, 1e30F);
}

TEST_P(Rounding, EveryBf16Pattern) {
  for (const float scale : {1.0F, 0.03F}) {
    const auto values = all_bf16();
    expect_rounded_both(values, scale);
    std::vector<Bf16> input, output(values.size());
    for (const float value : values) {
      input.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)});
    }
    round_span<Bf16>(grid, scale, input, output);
    const Table bf16 = table_of("bf16");
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto got = std::bit_cast<float>(std::uint32_t{output[i].bits} << 16);
      const auto want =
          static_cast<float>(nearest(bf16, static_cast<double>(expected(table, values[i], scale))));
      ASSERT_TRUE(same(got, want)) << values[i] << " became " << got << ", table " << want;
    }
  }
}

TEST_P(Rounding, InPlaceAtEveryLength) {
  const auto values = random_patterns(70);
  for (std::size_t length = 0; length <= values.size(); ++length) {
    std::vector<float> fp32(values.begin(), values.begin() + static_cast<long>(length));
    fp32.push_back(5);  // a guard
    std::vector<double> fp64(fp32.begin(), fp32.end());
    round_span<float>(grid, 0.5F, std::span(fp32).first(length), std::span(fp32).first(length));
    round_span<double>(grid, 0.5F, std::span(fp64).first(length), std::span(fp64).first(length));
    for (std::size_t i = 0; i < length; ++i) {
      EXPECT_TRUE(same(fp32[i], round_to(grid, values[i], 0.5F)));
      EXPECT_TRUE(same(fp64[i], round_to(grid, static_cast<double>(values[i]), 0.5F)));
    }
    EXPECT_EQ(fp32[length], 5);
    EXPECT_EQ(fp64[length], 5);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, Rounding, testing::ValuesIn(number_names()),
                         [](const auto& instance) { return instance.param; });

TEST(RoundTo, InfinitySaturatesAndNanStays) {
  const Grid grid = number_by_name("fp8_e5m2").grid;
  EXPECT_EQ(round_to(grid, infinity, 2), 2 * 57344);
  EXPECT_EQ(round_to(grid, -infinity, 2), -2 * 57344);
  EXPECT_EQ(round_to(grid, 65000.0F, 1), 57344);
  EXPECT_TRUE(std::isnan(round_to(grid, not_a_number, 2)));
}

TEST(LargestMagnitude, OfFiniteValues) {
  EXPECT_EQ(largest_magnitude<float>({}), 0);
  for (std::size_t at = 0; at < 70; ++at) {
    std::vector<float> values(70, 0.5F);
    values[at] = -3;
    EXPECT_EQ(largest_magnitude<float>(values), 3);
    const std::vector<double> wide(values.begin(), values.end());
    EXPECT_EQ(largest_magnitude<double>(wide), 3);
    std::vector<Bf16> narrow(70, Bf16{0x3F00});
    narrow[at].bits = 0xC040;
    EXPECT_EQ(largest_magnitude<Bf16>(narrow), 3);
  }
}

TEST(LargestMagnitude, ShowsInfinityAndNan) {
  std::vector<float> values(70, 0.5F);
  values[40] = -infinity;
  EXPECT_EQ(largest_magnitude<float>(values), infinity);
  values[3] = not_a_number;
  EXPECT_TRUE(std::isnan(largest_magnitude<float>(values)));
}

TEST(QuantizeSpan, GivesTheCodesOfTheRoundedValues) {
  const std::vector<std::pair<std::string, int>> kinds{{"int8", 0}, {"int8", 128}, {"uint8", 0}};
  for (const auto& [name, zero_point] : kinds) {
    const Table table = table_of(name);
    const auto grid = number_by_name(name).grid;
    auto values = hard_values(table);
    const auto random = random_patterns(1000);
    values.insert(values.end(), random.begin(), random.end());
    for (const float scale : {1.0F, 0.037F, 1e-30F}) {
      std::vector<std::uint8_t> codes(values.size()), wide_codes(values.size());
      quantize_span<float>(grid, scale, zero_point, values, codes);
      const std::vector<double> wide(values.begin(), values.end());
      quantize_span<double>(grid, scale, zero_point, wide, wide_codes);
      const auto code = [&table = table, zero = zero_point](double quotient) {
        const double value = std::isnan(quotient) ? 0 : nearest(table, quotient);
        return static_cast<std::uint8_t>(static_cast<int>(value) + zero);
      };
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(codes[i], code(values[i] / scale)) << values[i];
        ASSERT_EQ(wide_codes[i], code(wide[i] / scale)) << values[i];
      }
    }
  }
}

TEST(QuantizeSpan, KeepsTheOrderOfBf16) {
  std::vector<Bf16> values;
  for (int i = -35; i <= 35; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(i));
    values.push_back({static_cast<std::uint16_t>(bits >> 16)});
  }
  std::vector<std::uint8_t> codes(values.size());
  quantize_span<Bf16>(number_by_name("int8").grid, 1, 128, values, codes);
  for (int i = -35; i <= 35; ++i) EXPECT_EQ(codes[static_cast<std::size_t>(i + 35)], i + 128);
}

TEST(InstructionSet, IsTheFastestVariant) {
  EXPECT_STREQ(instruction_set(), variants().front()->name);
  EXPECT_STREQ(variants().back()->name, "generic");
}

}  // namespace
}  // namespace gainsweep::format

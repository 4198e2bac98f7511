// Rounding in blocks against tables that were made from the definitions alone, and every compiled
// variant against sums by hand.

#include "format/block.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "format/fastest.hpp"
#include "format/kernel.hpp"
#include "format/variant.hpp"
#include "unit/throws.hpp"

namespace gainsweep::format {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

template <class T>
using WordOf = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;

/// "nan" or hexadecimal digits.
template <class T>
T to_number(const std::string& word) {
  if (word == "nan") return std::numeric_limits<T>::quiet_NaN();
  return std::bit_cast<T>(static_cast<WordOf<T>>(std::stoull(word, nullptr, 16)));
}

template <class T>
bool is_same(T a, T b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<WordOf<T>>(a) == std::bit_cast<WordOf<T>>(b);
}

std::vector<std::string> split(const std::string& text, const std::string& mark) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(mark, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + mark.size();
  }
  return parts;
}

template <class T>
std::vector<T> numbers(const std::vector<std::string>& words, std::size_t first) {
  std::vector<T> result;
  for (auto i = first; i < words.size(); ++i) result.push_back(to_number<T>(words[i]));
  return result;
}

template <class T>
std::vector<T> rounded(const Variant& variant, const NumberFormat& number, float global,
                       const std::vector<T>& input) {
  const auto prepared = make_block_rounder<T>(number, global);
  std::vector<T> output(input.size());
  kernels_of<T>(variant).round_blocks(prepared, input.data(), output.data(), input.size());
  return output;
}

/// One result of a table's line: "FORMAT GRID,… AMAX WORD…".
template <class T>
std::size_t check_result(const std::vector<T>& input, const std::string& text) {
  const auto words = split(text, " ");
  const auto expected = numbers<T>(words, 3);
  EXPECT_EQ(expected.size(), input.size());
  std::size_t checked = 0;
  for (const auto& grid : split(words[1], ",")) {
    auto number = number_by_name(words[0]);
    number.scale_grid = grid;
    const float global = words[2] == "-" ? 1 : global_scale(number, to_number<float>(words[2]));
    for (const auto* variant : variants()) {
      const auto output = rounded(*variant, number, global, input);
      for (std::size_t i = 0; i < input.size(); ++i) {
        EXPECT_TRUE(is_same(output[i], expected[i]))
            << variant->name << ", " << words[0] << ", " << grid << ": " << input[i] << " became "
            << output[i] << " and not " << expected[i];
        ++checked;
      }
    }
  }
  return checked;
}

template <class T>
std::size_t check_table(const std::string& name) {
  std::ifstream file(std::string(GAINSWEEP_SOURCE_DIR) + "/tests/unit/format/" + name);
  EXPECT_TRUE(file) << name;
  std::size_t checked = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    const auto parts = split(line, " : ");
    const auto input = numbers<T>(split(parts[0], " "), 0);
    for (std::size_t i = 1; i < parts.size(); ++i) checked += check_result(input, parts[i]);
  }
  return checked;
}

TEST(Blocks, RoundAsTheTablesSay) {
  EXPECT_GT(check_table<float>("golden_blocks.txt"), 20000u);
  EXPECT_GT(check_table<double>("golden_blocks_fp64.txt"), 1000u);
}

/// All number formats in blocks with each of their scale grids.
std::vector<NumberFormat> in_blocks() {
  std::vector<NumberFormat> all;
  for (const auto& name : number_names()) {
    auto number = number_by_name(name);
    if (number.granularity != Granularity::block) continue;
    for (const auto& grid : block_scales_of(number)) {
      number.scale_grid = grid;
      all.push_back(number);
    }
  }
  return all;
}

template <class T>
void round_blocks(const NumberFormat& number, float global, std::span<const T> input,
                  std::span<T> output) {
  BlockLines<T>(std::vector{BlockFormat{number, global}}).round(input, output);
}

std::vector<float> sample(std::size_t length, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (std::size_t i = 0; i < length; ++i)
    values.push_back(generator() % 8 == 0 ? 0.0F : normal(generator) * normal(generator));
  return values;
}

float largest(std::span<const float> values) {
  return largest_magnitude<float>(values);
}

/// Q(z) by the scalar definitions.
std::vector<float> by_hand(const NumberFormat& number, float global, std::span<const float> z) {
  std::vector<float> result;
  const auto block = static_cast<std::size_t>(number.block);
  for (std::size_t at = 0; at < z.size(); at += block) {
    const auto own = z.subspan(at, std::min(block, z.size() - at));
    const float scale = block_scale(number, largest(own), global);
    for (const float value : own)
      result.push_back(scale == 0 ? std::copysign(0.0F, value)
                                  : round_to(number.grid, value, scale));
  }
  return result;
}

TEST(Blocks, ScalarScalesAreThoseOfTheKernels) {
  unsigned seed = 0;
  for (const auto& number : in_blocks()) {
    for (const std::size_t length : {1, 15, 31, 33, 160, 511, 513, 1200}) {
      const auto z = sample(length, ++seed);
      const float global = global_scale(number, 1.5F * largest(z));
      const auto expected = by_hand(number, global, z);
      std::vector<float> output(length);
      round_blocks<float>(number, global, z, output);
      for (std::size_t i = 0; i < length; ++i)
        ASSERT_TRUE(is_same(output[i], expected[i])) << number.name << ", " << number.scale_grid;
    }
  }
}

TEST(Blocks, RoundInPlaceAndInBfloat16) {
  for (const auto& number : in_blocks()) {
    const auto z = sample(200, 7);
    std::vector<Bf16> values;
    std::vector<float> widened;
    for (const float value : z) {
      values.push_back({static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)});
      widened.push_back(std::bit_cast<float>(std::uint32_t{values.back().bits} << 16));
    }
    round_blocks<float>(number, 1, widened, widened);
    round_blocks<Bf16>(number, 1, values, values);
    round_span<float>(number_by_name("bf16").grid, 1, widened, widened);
    for (std::size_t i = 0; i < z.size(); ++i)
      ASSERT_EQ(std::uint32_t{values[i].bits} << 16, std::bit_cast<std::uint32_t>(widened[i]))
          << number.name << ", " << number.scale_grid << ", " << i;
  }
}

struct Expected {
  double error = 0, magnitude = 0, square = 0, step = 0;
};

Expected expected_sums(const NumberFormat& number, float global, std::span<const float> z,
                       std::span<const float> g) {
  Expected sums;
  const auto rounded = by_hand(number, global, z);
  const auto block = static_cast<std::size_t>(number.block);
  for (std::size_t at = 0; at < z.size(); at += block) {
    const auto count = std::min(block, z.size() - at);
    const double step = block_scale(number, largest(z.subspan(at, count)), global);
    for (std::size_t i = at; i < at + count; ++i) {
      const double term = double{g[i]} * (double{rounded[i]} - z[i]);
      sums.error += term;
      sums.magnitude += std::abs(term);
      sums.square += term * term;
      if (z[i] != 0) sums.step += step * step * g[i] * g[i];
    }
  }
  return sums;
}

TEST(Blocks, ProbesAddWhatRoundingChanges) {
  std::vector<BlockFormat> formats;
  const auto all = in_blocks();
  for (const auto& number : all) formats.push_back({number, global_scale(number, 20)});
  for (const std::size_t length : {1, 40, 512, 1000, 3000}) {
    const auto z = sample(length, 11), g = sample(length, 12);
    std::vector<BlockSums> sums(formats.size());
    BlockLines<float>(formats).probe(z, g, sums);
    for (std::size_t f = 0; f < formats.size(); ++f) {
      const auto expected = expected_sums(formats[f].number, formats[f].global, z, g);
      const auto& name = formats[f].number.name;
      EXPECT_NEAR(sums[f].signed_error, expected.error, 1e-6 * expected.magnitude) << name;
      EXPECT_NEAR(sums[f].square_error, expected.square, 1e-5 * expected.square) << name;
      const bool is_integer = formats[f].number.grid.kind == Kind::integer;
      EXPECT_NEAR(sums[f].step_norm, is_integer ? expected.step : 0, 1e-5 * expected.step) << name;
    }
  }
}

TEST(Blocks, ProbesAreTheSameOnEveryInstructionSet) {
  const auto z = sample(1300, 3), g = sample(1300, 4);
  for (const auto& number : in_blocks()) {
    const auto prepared = make_block_rounder<float>(number, 2);
    std::array<double, 3> expected;
    generic_variant.for_float.probe_blocks(&prepared, 1, z.data(), g.data(), z.size(),
                                           expected.data());
    for (const auto* variant : variants()) {
      std::array<double, 3> sums;
      variant->for_float.probe_blocks(&prepared, 1, z.data(), g.data(), z.size(), sums.data());
      EXPECT_EQ(sums, expected) << variant->name << ", " << number.name;
    }
  }
}

/// Elements at ties and one last place beside them, in blocks of every size, tiny ones included:
/// where a quotient that is not rounded correctly shows.
TEST(Blocks, RoundTiesTheSameOnEveryInstructionSet) {
  std::mt19937 generator(6);
  std::uniform_real_distribution<float> exponent(-149, 120), mantissa(1, 2);
  for (const auto& number : in_blocks()) {
    const auto prepared = make_block_rounder<float>(number, 1);
    for (int i = 0; i < 4000; ++i) {
      const float amax = std::ldexp(mantissa(generator), static_cast<int>(exponent(generator)));
      const float scale = block_scale(number, amax, 1);
      std::vector<float> z{amax};
      for (int k = 1; z.size() < 16; ++k) {
        const float tie = std::min((static_cast<float>(k / 3) + 0.5F) / 2 * scale, amax);
        z.push_back(k % 3 == 0 ? tie : std::nextafter(tie, k % 3 == 1 ? 0 : amax));
      }
      std::vector<float> expected(z.size()), rounded(z.size());
      generic_variant.for_float.round_blocks(prepared, z.data(), expected.data(), z.size());
      for (const auto* variant : variants()) {
        variant->for_float.round_blocks(prepared, z.data(), rounded.data(), z.size());
        ASSERT_EQ(rounded, expected) << variant->name << ", " << number.name << ", " << amax;
      }
    }
  }
}

TEST(Blocks, NothingSaturatesWhereScalesAreRoundedUp) {
  for (const auto& number : in_blocks()) {
    if (number.scale_grid != "e8m0_ceil" && number.grid.kind != Kind::integer) continue;
    std::mt19937 generator(2);
    std::uniform_real_distribution<float> exponent(-100, 100);
    for (int i = 0; i < 2000; ++i) {
      const float amax = std::exp2(exponent(generator));
      EXPECT_LE(amax / block_scale(number, amax, 1), number.grid.max * (1 + 1e-7)) << number.name;
    }
  }
}

TEST(Blocks, ScalesAreBounded) {
  const auto mxfp4 = number_by_name("mxfp4");
  EXPECT_EQ(block_scale(mxfp4, 1e-45F, 1), 0x1p-127F);
  EXPECT_EQ(block_scale(mxfp4, 6, 1), 1);
  EXPECT_EQ(block_scale(mxfp4, 8, 1), 2);
  EXPECT_EQ(block_scale(mxfp4, 0, 1), 1);
  EXPECT_TRUE(std::isnan(block_scale(mxfp4, infinity, 1)));
  const auto nvfp4 = number_by_name("nvfp4");
  EXPECT_EQ(global_scale(nvfp4, 2688), 1);
  EXPECT_EQ(global_scale(nvfp4, 0), 1);
  EXPECT_EQ(global_scale(nvfp4, 1e-45F), 1) << "the quotient is infinite";
  EXPECT_TRUE(std::isnan(global_scale(nvfp4, infinity)));
  EXPECT_EQ(block_scale(nvfp4, 6e6F, 1), 448) << "more than was seen saturates";
  EXPECT_EQ(block_scale(nvfp4, 1e-5F, 1), 0);
  EXPECT_EQ(global_scale(mxfp4, 5), 1);
}

TEST(Blocks, StorageCountsScales) {
  EXPECT_EQ(stored_bits(number_by_name("mxfp4")), 4.25);
  EXPECT_EQ(stored_bits(number_by_name("mxfp6_e2m3")), 6.25);
  EXPECT_EQ(stored_bits(number_by_name("nvfp4")), 4.5);
  EXPECT_EQ(stored_bits(number_by_name("int4_g128")), 4.125);
  EXPECT_EQ(stored_bits(number_by_name("int8")), 8);
  EXPECT_EQ(scale_bits(number_by_name("mxfp4"), 3, 33), 3 * 2 * 8);
  EXPECT_EQ(scale_bits(number_by_name("nvfp4"), 2, 16), 2 * 8 + 32);
  EXPECT_EQ(scale_bits(number_by_name("int8"), 2, 16), 0);
}

TEST(Blocks, OfASizeThatIsNoneAreRefused) {
  auto number = number_by_name("mxfp4");
  number.block = 48;
  std::vector<float> values(96);
  EXPECT_ERROR(round_blocks<float>(number, 1, values, values), ErrorKind::internal,
               "blocks of 48 elements");
}

}  // namespace
}  // namespace gainsweep::format

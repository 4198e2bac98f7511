// The probe against plain sums in double, and every compiled variant against the generic one.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "format/fastest.hpp"
#include "format/format.hpp"
#include "format/kernel.hpp"
#include "format/scale.hpp"
#include "format/variant.hpp"

namespace gainsweep::format {
namespace {

float to_float(Bf16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}
float to_float(float value) {
  return value;
}
double to_float(double value) {
  return value;
}

template <class T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, Bf16>) {
    return {static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)};
  } else {
    return static_cast<T>(value);
  }
}

/// Normal values with zeros among them.
template <class T>
std::vector<T> sample(std::size_t length, float deviation, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<T> values;
  for (std::size_t i = 0; i < length; ++i) {
    values.push_back(from_float<T>(generator() % 8 == 0 ? 0.0F : normal(generator)));
  }
  return values;
}

/// Number formats with one scale for the whole operand.
const std::vector<std::string>& plain_names() {
  static const std::vector<std::string> all{
      "bf16", "int8", "uint8", "int4", "fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"};
  return all;
}

std::vector<ScaledGrid> every_format(float amax) {
  std::vector<ScaledGrid> grids;
  for (const auto& name : plain_names()) {
    const auto number = *by_name(name).activation;
    grids.push_back({number.grid, scale_of(number, amax)});
  }
  return grids;
}

ProbeSums sums_of(std::size_t num_formats) {
  return {.signed_error = std::vector<double>(num_formats),
          .square_error = std::vector<double>(num_formats)};
}

struct PlainSums {
  ProbeSums sums;
  std::vector<double> error_magnitude;  ///< per format Σ |g·(Q(z) − z)|
};

template <class T>
PlainSums plain(std::span<const ScaledGrid> formats, std::span<const T> z, std::span<const T> g) {
  PlainSums result{sums_of(formats.size()), std::vector<double>(formats.size())};
  for (std::size_t i = 0; i < z.size(); ++i) {
    const auto value = to_float(z[i]);
    const double gradient = to_float(g[i]);
    result.sums.weighted_square += value * gradient * (value * gradient);
    if (value != 0) result.sums.square_gradient += gradient * gradient;
    for (std::size_t f = 0; f < formats.size(); ++f) {
      const double rounded = round_to(formats[f].grid, value, formats[f].scale);
      const double term = gradient * (rounded - value);
      result.sums.signed_error[f] += term;
      result.sums.square_error[f] += term * term;
      result.error_magnitude[f] += std::abs(term);
    }
  }
  return result;
}

template <class T>
class Probe : public testing::Test {
 protected:
  static constexpr double tolerance = std::is_same_v<T, double> ? 1e-14 : 1e-6;
};
using Types = testing::Types<float, double, Bf16>;
TYPED_TEST_SUITE(Probe, Types);

TYPED_TEST(Probe, EqualsPlainSums) {
  for (const std::size_t length : {0u, 1u, 31u, 32u, 33u, 511u, 512u, 513u, 5000u}) {
    const auto z = sample<TypeParam>(length, 1, 1);
    const auto g = sample<TypeParam>(length, 1e-3F, 2);
    const auto formats = every_format(2);  // some values saturate
    const auto want = plain<TypeParam>(formats, z, g);
    auto got = sums_of(formats.size());
    probe_span<TypeParam>(formats, z, g, got);
    const double bound = this->tolerance;
    EXPECT_NEAR(got.weighted_square, want.sums.weighted_square, bound * want.sums.weighted_square);
    EXPECT_NEAR(got.square_gradient, want.sums.square_gradient, bound * want.sums.square_gradient);
    for (std::size_t f = 0; f < formats.size(); ++f) {
      EXPECT_NEAR(got.signed_error[f], want.sums.signed_error[f], bound * want.error_magnitude[f])
          << plain_names()[f] << " at length " << length;
      EXPECT_NEAR(got.square_error[f], want.sums.square_error[f],
                  10 * bound * want.sums.square_error[f])
          << plain_names()[f] << " at length " << length;
    }
  }
}

TYPED_TEST(Probe, AddsToTheSums) {
  const auto z = sample<TypeParam>(100, 1, 1);
  const auto g = sample<TypeParam>(100, 1, 2);
  const auto formats = every_format(3);
  auto once = sums_of(formats.size());
  probe_span<TypeParam>(formats, z, g, once);
  ProbeSums twice = once;
  probe_span<TypeParam>(formats, z, g, twice);
  EXPECT_EQ(twice.weighted_square, 2 * once.weighted_square);
  EXPECT_EQ(twice.square_gradient, 2 * once.square_gradient);
  for (std::size_t f = 0; f < formats.size(); ++f) {
    EXPECT_EQ(twice.signed_error[f], 2 * once.signed_error[f]);
    EXPECT_EQ(twice.square_error[f], 2 * once.square_error[f]);
  }
}

TYPED_TEST(Probe, TakesAnyNumberOfFormats) {
  const auto z = sample<TypeParam>(100, 1, 1);
  const auto g = sample<TypeParam>(100, 1, 2);
  std::vector<ScaledGrid> many;
  for (int i = 0; i < 4; ++i) {
    for (const auto& grid : every_format(3)) many.push_back(grid);
  }
  auto all = sums_of(many.size());
  probe_span<TypeParam>(many, z, g, all);
  ProbeSums none;
  probe_span<TypeParam>({}, z, g, none);
  EXPECT_EQ(all.weighted_square, none.weighted_square);
  EXPECT_EQ(all.square_gradient, none.square_gradient);
  EXPECT_NE(all.signed_error[1], 0);
  for (std::size_t f = 0; f < many.size(); ++f) {
    EXPECT_EQ(all.signed_error[f], all.signed_error[f % plain_names().size()]);
    EXPECT_EQ(all.square_error[f], all.square_error[f % plain_names().size()]);
  }
}

TYPED_TEST(Probe, ShowsNan) {
  auto z = sample<TypeParam>(100, 1, 1);
  const auto g = sample<TypeParam>(100, 1, 2);
  z[77] = from_float<TypeParam>(std::numeric_limits<float>::quiet_NaN());
  auto sums = sums_of(plain_names().size());
  probe_span<TypeParam>(every_format(3), z, g, sums);
  EXPECT_TRUE(std::isnan(sums.weighted_square));
  for (const double error : sums.signed_error) EXPECT_TRUE(std::isnan(error));
  for (const double square : sums.square_error) EXPECT_TRUE(std::isnan(square));
}

TEST(Reciprocal, IsPreparedForUsualScalesOnly) {
  const Grid grid = number_by_name("fp8_e4m3").grid;
  EXPECT_TRUE(make_rounder<float>(grid, 0.037F).reciprocal_exact);
  EXPECT_TRUE(make_rounder<float>(grid, 0.25F).reciprocal_exact);
  EXPECT_FALSE(make_rounder<float>(grid, 1.125F).reciprocal_exact);  // near ties
  EXPECT_FALSE(make_rounder<float>(grid, std::nextafter(1.0F, 2.0F)).reciprocal_exact);
  EXPECT_FALSE(make_rounder<float>(grid, 1e-30F).reciprocal_exact);
  EXPECT_FALSE(make_rounder<float>(number_by_name("bf16").grid, 0.037F).reciprocal_exact);
}

template <class Real>
std::vector<Rounder<Real>> rounders(float scale) {
  std::vector<Rounder<Real>> result;
  for (const auto& name : plain_names())
    result.push_back(make_rounder<Real>(number_by_name(name).grid, scale));
  return result;
}

template <class T>
std::vector<double> probe_with(const Variant& variant, std::span<const T> z, std::span<const T> g,
                               float scale) {
  const auto formats = rounders<RealOf<T>>(scale);
  std::vector<double> sums(2 + 2 * formats.size());
  kernels_of<T>(variant).probe(formats.data(), formats.size(), z.data(), g.data(), z.size(),
                               sums.data());
  return sums;
}

template <class T>
std::vector<T> round_with(const Variant& variant, std::span<const T> z, float scale) {
  std::vector<T> all;
  for (const auto& format : rounders<RealOf<T>>(scale)) {
    std::vector<T> rounded(z.size());
    kernels_of<T>(variant).round(format, z.data(), rounded.data(), z.size());
    all.insert(all.end(), rounded.begin(), rounded.end());
  }
  return all;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

TYPED_TEST(Probe, EveryVariantGivesTheSameBits) {
  if (variants().size() == 1) GTEST_SKIP() << "this build or CPU has the generic variant only";
  for (const std::size_t length : {1u, 15u, 33u, 511u, 513u, 4099u}) {
    const auto z = sample<TypeParam>(length, 1, 1);
    const auto g = sample<TypeParam>(length, 1e-3F, 2);
    for (const float scale : {0.01F, 0.037F, 0.5F, 1e-30F}) {
      const auto sums = probe_with<TypeParam>(generic_variant, z, g, scale);
      const auto rounded = round_with<TypeParam>(generic_variant, z, scale);
      for (const Variant* variant : variants()) {
        EXPECT_TRUE(same_bits(probe_with<TypeParam>(*variant, z, g, scale), sums))
            << variant->name << " at length " << length;
        EXPECT_TRUE(same_bits(round_with<TypeParam>(*variant, z, scale), rounded))
            << variant->name << " at length " << length;
      }
    }
  }
}

TYPED_TEST(Probe, EveryVariantQuantizesAlike) {
  const auto z = sample<TypeParam>(1003, 1, 1);
  for (const auto& [name, zero_point] : {std::pair{"int8", 128}, std::pair{"uint8", 0}}) {
    const auto grid = number_by_name(name).grid;
    const auto integer = make_rounder<RealOf<TypeParam>>(grid, 0.01F);
    std::vector<std::uint8_t> want(z.size());
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double code = round_to(grid, to_float(z[i]), 0.01F) / 0.01F;
      want[i] = static_cast<std::uint8_t>(std::lround(code) + zero_point);
    }
    for (const Variant* variant : variants()) {
      std::vector<std::uint8_t> got(z.size());
      kernels_of<TypeParam>(*variant).quantize(integer, zero_point, z.data(), got.data(), z.size());
      EXPECT_EQ(got, want) << variant->name << ", " << name;
      EXPECT_EQ(kernels_of<TypeParam>(*variant).largest(z.data(), z.size()),
                kernels_of<TypeParam>(generic_variant).largest(z.data(), z.size()));
    }
  }
}

}  // namespace
}  // namespace gainsweep::format

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "execute/fake_quantize_operators.hpp"
#include "fixture.hpp"
#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor sample(at::IntArrayRef shape) {
  const auto count = static_cast<std::size_t>(c10::multiply_integers(shape));
  return at::tensor(fixture::numbers(count, 7)).view(shape);
}

at::Tensor scale(float number) {
  return at::scalar_tensor(number, at::kFloat);
}

/// Every element of `actual` is that of `z` rounded at the scale of an amax.
void expect_rounded(const at::Tensor& actual, const at::Tensor& z, const std::string& name,
                    float scale) {
  const auto grid = format::number_by_name(name).grid;
  const auto a = actual.contiguous(), b = z.contiguous();
  for (std::int64_t i = 0; i < b.numel(); ++i) {
    ASSERT_EQ(a.const_data_ptr<float>()[i],
              format::round_to(grid, b.const_data_ptr<float>()[i], scale));
  }
}

float scale_of(const std::string& name, const at::Tensor& z, double backoff) {
  auto number = format::number_by_name(name);
  number.backoff = backoff;
  return format::scale_of(number, z.abs().max().item<float>());
}

TEST(FakeQuantize, RoundsViewsOfAnyLayout) {
  const auto base = sample({33, 40, 17});
  const at::Tensor views[] = {base, base.transpose(0, 2), base.slice(1, 3, 30, 2),
                              base.narrow(2, 0, 1).expand({33, 40, 5})};
  for (const auto& z : views) {
    const auto actual = fake_quantize(z, "fp8_e4m3", scale(0.01F));
    EXPECT_EQ(actual.sizes(), z.sizes());
    expect_rounded(actual, z, "fp8_e4m3", 0.01F);
  }
  EXPECT_EQ(fake_quantize(views[1], "int8", scale(0.01F)).strides(), views[1].strides());
}

TEST(FakeQuantize, TakesTheScaleOfTheTensor) {
  const auto z = sample({50, 900});
  expect_rounded(fake_quantize_dynamic(z, "int8", 0.5, "arbitrary"), z, "int8",
                 scale_of("int8", z, 0.5));
}

TEST(FakeQuantize, TakesTheScaleOfEachRow) {
  const auto w = sample({70, 900}) * at::arange(1, 71).view({70, 1});
  const auto by_row = fake_quantize_weight(w, "int8", 1, "arbitrary", "max");
  for (std::int64_t row = 0; row < w.size(0); ++row) {
    expect_rounded(by_row[row], w[row], "int8", scale_of("int8", w[row], 1));
  }
}

TEST(FakeQuantize, TakesScalesOfTheGrid) {
  const auto w = sample({70, 900}) * at::arange(1, 71).view({70, 1});
  const float largest = w.abs().max().item<float>();
  ASSERT_GT(largest, 30);
  ASSERT_LT(largest, 1920);
  const auto* name = "fp8_e4m3_gaudi2";
  expect_rounded(fake_quantize_dynamic(w, name, 0.125, "gaudi2"), w, name, 16);
  expect_rounded(fake_quantize_dynamic(w / largest, name, 0.125, "gaudi2"), w / largest, name,
                 1.0F / 16);
  const auto by_row = fake_quantize_weight(w, name, 1, "power_of_two", "max");
  for (std::int64_t row = 0; row < w.size(0); ++row) {
    const double free = w[row].abs().max().item<float>() / 240.0;
    const auto scale = static_cast<float>(std::exp2(std::ceil(std::log2(free))));
    expect_rounded(by_row[row], w[row], name, scale);
  }
}

TEST(FakeQuantize, KeepsTheTypeAndIsIdempotent) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const auto once = fake_quantize(sample({64, 64}).to(type), "fp8_e5m2", scale(0.25F));
    EXPECT_EQ(once.scalar_type(), type);
    EXPECT_TRUE(at::equal(once, fake_quantize(once, "fp8_e5m2", scale(0.25F))));
  }
}

/// Zeros of both signs, subnormals, values beyond the format's largest, infinities and NaN.
std::vector<float> extremes() {
  const float infinity = std::numeric_limits<float>::infinity();
  return {0.0F,    -0.0F,    1e-45F,   -1e-40F,   1e-39F,
          6e-6F,   1e-3F,    448,      -57344,    -61440.0F,
          3.4e38F, -3.4e38F, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
}

bool same(const at::Tensor& a, const at::Tensor& b) {
  // Signs of zeros count, payloads of NaN do not.
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         at::equal(a.isnan(), b.isnan()) && at::equal(a.nan_to_num(), b.nan_to_num()) &&
         at::equal(a.signbit().logical_and(a.isnan().logical_not()),
                   b.signbit().logical_and(b.isnan().logical_not()));
}

TEST(PlainFakeQuantize, EqualsTheKernelsBitForBit) {
  auto numbers = fixture::numbers(4000, 3);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] *= std::ldexp(1.0F, static_cast<int>(i % 40) - 20);
  const auto edges = extremes();
  numbers.insert(numbers.end(), edges.begin(), edges.end());
  const auto all = at::tensor(numbers).view({5, 11, 73});
  for (const auto& format : format::number_names())
    for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16})
      for (const auto& z : {all.to(type), all.to(type).transpose(0, 2)}) {
        for (const float number : {1.0F, 0.037F, 1e-3F, 1.9e-38F, 3e37F})
          EXPECT_TRUE(same(plain::fake_quantize(z, format, scale(number)),
                           fake_quantize(z, format, scale(number))))
              << format << ", " << type << ", " << number;
        const auto finite = z.nan_to_num(0, 1e30, -1e30);
        for (const auto* grid : {"arbitrary", "power_of_two"}) {
          EXPECT_TRUE(same(plain::fake_quantize_dynamic(finite, format, 0.5, grid),
                           fake_quantize_dynamic(finite, format, 0.5, grid)));
          EXPECT_TRUE(same(plain::fake_quantize_weight(finite, format, 0.5, grid, "max"),
                           fake_quantize_weight(finite, format, 0.5, grid, "max")));
        }
      }
}

TEST(PlainFakeQuantize, TakesZerosEmptyTensorsAndNoIntegers) {
  const auto zeros = at::zeros({3, 4});
  EXPECT_TRUE(same(plain::fake_quantize_weight(zeros, "int8", 1, "arbitrary", "max"), zeros));
  EXPECT_EQ(plain::fake_quantize_dynamic(at::empty({0, 4}), "int8", 1, "arbitrary").numel(), 0);
  EXPECT_EQ(plain::fake_quantize_weight(at::empty({2, 0}), "int8", 1, "arbitrary", "max").numel(),
            0);
  EXPECT_THROW(plain::fake_quantize(at::ones({4}, at::kLong), "int8", scale(1)), c10::Error);
}

TEST(FakeQuantize, RefusesIntegers) {
  EXPECT_THROW(fake_quantize(at::ones({4}, at::kLong), "int8", scale(1)), c10::Error);
}

}  // namespace
}  // namespace gainsweep::execute

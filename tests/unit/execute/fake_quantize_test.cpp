#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "execute/fake_quantize_operators.hpp"
#include "fixture.hpp"
#include "format/kernel.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor sample(at::IntArrayRef shape) {
  const auto count = static_cast<std::size_t>(c10::multiply_integers(shape));
  return at::tensor(fixture::numbers(count, 7)).view(shape);
}

/// Every element of `actual` is that of `z` rounded at the scale of an amax.
void expect_rounded(const at::Tensor& actual, const at::Tensor& z, const std::string& name,
                    float scale) {
  const auto grid = format::by_name(name).grid;
  const auto a = actual.contiguous(), b = z.contiguous();
  for (std::int64_t i = 0; i < b.numel(); ++i) {
    ASSERT_EQ(a.const_data_ptr<float>()[i],
              format::round_to(grid, b.const_data_ptr<float>()[i], scale));
  }
}

float scale_of(const std::string& name, const at::Tensor& z, double backoff) {
  return format::scale_of(format::by_name(name).grid, z.abs().max().item<float>(), backoff);
}

TEST(FakeQuantize, RoundsViewsOfAnyLayout) {
  const auto base = sample({33, 40, 17});
  const at::Tensor views[] = {base, base.transpose(0, 2), base.slice(1, 3, 30, 2),
                              base.narrow(2, 0, 1).expand({33, 40, 5})};
  for (const auto& z : views) {
    const auto actual = fake_quantize(z, "fp8_e4m3", 0.01);
    EXPECT_EQ(actual.sizes(), z.sizes());
    expect_rounded(actual, z, "fp8_e4m3", 0.01F);
  }
  EXPECT_EQ(fake_quantize(views[1], "int8", 0.01).strides(), views[1].strides());
}

TEST(FakeQuantize, TakesTheScaleOfTheTensor) {
  const auto z = sample({50, 900});
  expect_rounded(fake_quantize_dynamic(z, "int8", 0.5), z, "int8", scale_of("int8", z, 0.5));
}

TEST(FakeQuantize, TakesTheScaleOfEachRow) {
  const auto w = sample({70, 900}) * at::arange(1, 71).view({70, 1});
  const auto by_row = fake_quantize_weight(w, "int8", 1, true);
  for (std::int64_t row = 0; row < w.size(0); ++row) {
    expect_rounded(by_row[row], w[row], "int8", scale_of("int8", w[row], 1));
  }
  expect_rounded(fake_quantize_weight(w, "int8", 1, false), w, "int8", scale_of("int8", w, 1));
}

TEST(FakeQuantize, KeepsTheTypeAndIsIdempotent) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const auto once = fake_quantize(sample({64, 64}).to(type), "fp8_e5m2", 0.25);
    EXPECT_EQ(once.scalar_type(), type);
    EXPECT_TRUE(at::equal(once, fake_quantize(once, "fp8_e5m2", 0.25)));
  }
}

TEST(FakeQuantize, RefusesIntegers) {
  EXPECT_THROW(fake_quantize(at::ones({4}, at::kLong), "int8", 1), c10::Error);
}

}  // namespace
}  // namespace gainsweep::execute

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "execute/operators.hpp"
#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor random(at::IntArrayRef shape, unsigned seed) {
  const auto count = static_cast<std::size_t>(c10::multiply_integers(shape));
  auto values = fixture::numbers(count, seed);
  return at::tensor(values).view(shape);
}

/// round-half-even(x / scale) clamped to ±127, as torch's own operators say it.
at::Tensor codes_by_torch(const at::Tensor& x, double scale) {
  return at::clamp(at::round(x.to(at::kFloat) / static_cast<float>(scale)), -127, 127);
}

TEST(Quantize, GivesUnsignedCodesOfEveryFloatingType) {
  // 1/64: the division is exact, so that torch's rounding is the oracle to the last tie.
  const double scale = 1.0 / 64;
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const auto x = (random({3, 50000}, 1) * 2.5).to(type);
    const auto codes = quantize(x, at::scalar_tensor(scale, at::kFloat), "int8", 128);
    EXPECT_EQ(codes.scalar_type(), at::kByte);
    EXPECT_TRUE(at::equal(codes.to(at::kFloat) - 128, codes_by_torch(x, scale))) << type;
    EXPECT_EQ(codes.min().item<int>(), 1) << "saturation is at -127";
    EXPECT_EQ(codes.max().item<int>(), 255);
  }
}

TEST(Quantize, GivesUint8WhatIsAboveZero) {
  const double scale = 1.0 / 64;
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const auto x = (random({3, 50000}, 1) * 5).to(type);
    const auto codes = quantize(x, at::scalar_tensor(scale, at::kFloat), "uint8", 0);
    const auto expected = at::clamp(at::round(x.to(at::kFloat) / scale), 0, 255);
    EXPECT_TRUE(at::equal(codes.to(at::kFloat), expected)) << type;
    EXPECT_EQ(codes.max().item<int>(), 255);
  }
  const auto [codes, scale_of_all] =
      quantize_dynamic(at::tensor({-2.F, 0.F, 1.2F}), "uint8", 1, 0, "arbitrary");
  EXPECT_FLOAT_EQ(scale_of_all.item<float>(), 2.F / 255);
  EXPECT_TRUE(at::equal(codes, at::tensor({0, 0, 153}).to(at::kByte)));
}

TEST(Quantize, ReadsStridedTensors) {
  const auto x = random({64, 96}, 2);
  const auto scale = at::scalar_tensor(0.01, at::kFloat);
  EXPECT_TRUE(at::equal(quantize(x.t(), scale, "int8", 128), quantize(x, scale, "int8", 128).t()));
}

TEST(Quantize, KeepsImagesInChannelsLast) {
  const auto x = random({2, 5, 7, 9}, 2);
  const auto scale = at::scalar_tensor(0.01, at::kFloat);
  const auto last = x.contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(quantize(last, scale, "int8", 128).is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(quantize(last, scale, "int8", 128), quantize(x, scale, "int8", 128)));
  EXPECT_TRUE(quantize(x, scale, "int8", 128).is_contiguous());
}

TEST(Quantize, TakesTheLargestMagnitudeAsDynamicScale) {
  auto x = random({7, 40000}, 3);
  x[5][123] = -3.0;
  const auto [codes, scale] = quantize_dynamic(x, "int8", 0.5, 128, "arbitrary");
  EXPECT_EQ(scale.item<float>(), static_cast<float>(3.0 / (127 * 0.5)));
  EXPECT_TRUE(at::equal(codes, quantize(x, scale, "int8", 128)));
  const auto [zeros, one] = quantize_dynamic(at::zeros({8}), "int8", 1, 128, "arbitrary");
  EXPECT_EQ(one.item<float>(), 1) << "an all-zero tensor";
  EXPECT_EQ(zeros.max().item<int>(), 128);
}

TEST(Quantize, GivesWeightsAScaleARowOrOne) {
  const auto w = random({5, 300}, 4) * at::tensor({1.F, 10.F, 0.F, 0.1F, 3.F}).view({5, 1});
  const auto [codes, scales] = quantize_weight(w, 1, true, "arbitrary", "max");
  EXPECT_EQ(codes.scalar_type(), at::kChar);
  const auto amax = w.abs().amax(1);
  for (int row = 0; row < 5; ++row) {
    const float scale = scales[row].item<float>();
    EXPECT_FLOAT_EQ(scale, row == 2 ? 1.F : amax[row].item<float>() / 127);
    const auto back = codes[row].to(at::kFloat) * scale;
    EXPECT_LE((back - w[row]).abs().max().item<float>(), 0.5001 * scale) << row;
    EXPECT_EQ(codes[row].abs().max().item<int>(), row == 2 ? 0 : 127) << row;
  }
  const auto [codes_together, one] = quantize_weight(w, 1, false, "arbitrary", "max");
  EXPECT_EQ(one.numel(), 1);
  EXPECT_FLOAT_EQ(one.item<float>(), w.abs().max().item<float>() / 127);
  EXPECT_LT(codes_together[3].abs().max().item<int>(), 3);
}

TEST(Quantize, DoesNotDependOnTheThreadCount) {
  const auto x = random({97, 4099}, 5).to(at::kBFloat16);
  const auto w = random({131, 257}, 6).to(at::kBFloat16);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto [codes, scale] = quantize_dynamic(x, "int8", 1, 128, "arbitrary");
  const auto [weights, scales] = quantize_weight(w, 1, true, "arbitrary", "max");
  at::set_num_threads(3);
  const auto [codes3, scale3] = quantize_dynamic(x, "int8", 1, 128, "arbitrary");
  const auto [weights3, scales3] = quantize_weight(w, 1, true, "arbitrary", "max");
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(codes, codes3) && at::equal(scale, scale3));
  EXPECT_TRUE(at::equal(weights, weights3) && at::equal(scales, scales3));
}

TEST(Quantize, RefusesOtherTypes) {
  EXPECT_THROW(quantize(at::zeros({4}, at::kHalf), at::ones({}), "int8", 128), c10::Error);
}

TEST(AtLeastFp32, WidensOnlyBf16) {
  EXPECT_EQ(at_least_fp32(at::ones({1}, at::kBFloat16)).scalar_type(), at::kFloat);
  EXPECT_EQ(at_least_fp32(at::ones({1}, at::kDouble)).scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace gainsweep::execute

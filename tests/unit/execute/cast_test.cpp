// Codes of activations in plain operators against the project's own rounding, bit by bit.

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "execute/fake_quantize_operators.hpp"
#include "execute/operators.hpp"
#include "fixture.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor random(at::IntArrayRef shape, unsigned seed) {
  const auto count = static_cast<std::size_t>(c10::multiply_integers(shape));
  return at::tensor(fixture::numbers(count, seed)).view(shape);
}

at::Tensor scale_of(float number) {
  return at::full({1}, number, at::kFloat);
}

at::Tensor decoded(const at::Tensor& codes, const at::Tensor& scale) {
  return codes.to(at::kFloat) * scale;
}

TEST(Cast, ToFp8IsTheFormatsRounding) {
  for (const auto* name : {"fp8_e4m3", "fp8_e5m2"}) {
    const auto max = static_cast<float>(format::number_by_name(name).grid.max);
    for (const float number : {1.0F, 0.7F / max, 3.1e-3F, 1.9e-6F}) {
      const auto scale = scale_of(number);
      for (const auto type : {at::kFloat, at::kBFloat16}) {
        // Everything from subnormal codes to beyond the largest one.
        const auto z = (random({3, 40, 500}, 1) *
                        at::pow(2.0, random({3, 40, 500}, 2) * 20 + std::log2(max * number)))
                           .to(type);
        const auto codes = cast_to_fp8(z, scale, name);
        EXPECT_EQ(codes.element_size(), 1);
        // In fp32, where the value of a code and its scale is exact to one rounding.
        EXPECT_TRUE(at::equal(decoded(codes, scale), fake_quantize(z.to(at::kFloat), name, scale)))
            << name << " " << number << " " << type;
        EXPECT_EQ(codes.to(at::kFloat).abs().max().item<float>(), max) << "saturates";
      }
    }
  }
}

TEST(Cast, ToFp8RoundsEveryTieToEven) {
  const auto one = scale_of(1);
  std::vector<float> middles;
  const auto all = at::arange(0, 0x7F, at::kByte).view(at::kFloat8_e4m3fn).to(at::kFloat);
  for (int code = 0; code + 1 < 0x7F; ++code)
    middles.push_back((all[code].item<float>() + all[code + 1].item<float>()) / 2);
  const auto z = at::cat({at::tensor(middles), -at::tensor(middles)});
  EXPECT_TRUE(
      at::equal(cast_to_fp8(z, one, "fp8_e4m3").to(at::kFloat), fake_quantize(z, "fp8_e4m3", one)));
}

TEST(Cast, ToInt8IsTheFormatsRounding) {
  for (const float number : {1.0F / 64, 0.011F}) {
    const auto scale = scale_of(number);
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const auto z = (random({7, 3000}, 3) * 2.5).to(type);
      const auto codes = cast_to_int8(z, scale);
      EXPECT_EQ(codes.scalar_type(), at::kChar);
      EXPECT_TRUE(
          at::equal(codes.to(at::kLong) + 128, quantize(z, scale, "int8", 128).to(at::kLong)))
          << "the codes of the CPU's target, without its zero point";
    }
  }
}

TEST(Cast, GivesContiguousCodesOfAnyStrides) {
  const auto z = random({4, 6, 10}, 4);
  const auto scale = scale_of(0.01F);
  const auto turned = z.permute({2, 0, 1});
  for (const auto& codes : {cast_to_fp8(turned, scale, "fp8_e4m3"), cast_to_int8(turned, scale)}) {
    EXPECT_TRUE(codes.is_contiguous());
    EXPECT_EQ(codes.sizes(), turned.sizes());
  }
  EXPECT_TRUE(at::equal(cast_to_int8(turned, scale), cast_to_int8(z, scale).permute({2, 0, 1})));
}

TEST(Cast, KeepsWhatIsNoNumber) {
  const auto z = at::tensor({std::numeric_limits<float>::quiet_NaN(), 1.0F});
  EXPECT_TRUE(cast_to_fp8(z, scale_of(1), "fp8_e4m3").to(at::kFloat)[0].isnan().item<bool>());
}

TEST(Cast, RefusesScalesAndFormatsThatDoNotFit) {
  const auto z = random({4}, 5);
  EXPECT_THAT(
      [&] { cast_to_int8(z, at::ones({2})); },
      testing::ThrowsMessage<c10::Error>(testing::HasSubstr(
          "a scale of one element is needed where the tensor lives (cpu), not of 2 on cpu")));
  EXPECT_THAT([&] { cast_to_fp8(z, at::ones({1}, at::kMeta), "fp8_e4m3"); },
              testing::ThrowsMessage<c10::Error>(testing::HasSubstr("not of 1 on meta")));
  EXPECT_THAT([&] { cast_to_fp8(z, scale_of(1), "int8"); },
              testing::ThrowsMessage<c10::Error>(testing::HasSubstr("not to int8")));
}

TEST(DynamicScale, IsTheFormatsOwn) {
  for (const auto* name : {"int8", "fp8_e4m3"})
    for (const double backoff : {1.0, 0.3})
      for (const float factor : {1.0F, 3e-7F, 1e-37F, 0.0F, 1.7e38F})
        for (const auto type : {at::kFloat, at::kBFloat16}) {
          const auto z = (random({5, 77}, 6) * factor).to(type);
          const float amax = z.to(at::kFloat).abs().max().item<float>();
          const auto scale = dynamic_scale(z, name, backoff);
          EXPECT_EQ(scale.sizes(), at::IntArrayRef({1}));
          auto number = format::number_by_name(name);
          number.backoff = backoff;
          EXPECT_EQ(scale.item<float>(), format::scale_of(number, amax))
              << name << " " << backoff << " " << factor;
        }
}

TEST(ScaleSums, RoundsOnce) {
  const auto sums = (random({9, 16}, 7) * 1e6).to(at::kInt);
  const auto scales = random({16}, 8).abs() * 1e-5, bias = random({16}, 9);
  const auto exact = sums.to(at::kDouble) * scales.to(at::kDouble);
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const double bound = type == at::kFloat ? 1e-6 : 0x1p-8;
    const auto plain = scale_sums(sums, scales, {}, type);
    EXPECT_EQ(plain.scalar_type(), type);
    EXPECT_TRUE(at::allclose(plain.to(at::kDouble), exact, bound, 0));
    const auto shift = bias.to(type);
    const auto shifted = scale_sums(sums, scales, shift, type).to(at::kDouble);
    EXPECT_TRUE(at::allclose(shifted, exact + shift.to(at::kDouble), bound, 1e-6));
  }
  EXPECT_TRUE(at::allclose(scale_sums(sums, at::full({1}, 0.5F), {}, at::kFloat),
                           sums.to(at::kFloat) * 0.5, 1e-6, 0))
      << "one scale for all columns";
}

TEST(EncodeWeight, HoldsTheFakeQuantisedWeight) {
  const auto w = random({24, 40}, 10) * at::pow(10.0, random({24, 1}, 11) * 3);
  for (const auto* name : {"fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"})
    for (const bool per_channel : {false, true}) {
      const auto [codes, scales] = encode_weight(w, name, 0.5, per_channel, "arbitrary", "max");
      EXPECT_EQ(scales.sizes(), at::IntArrayRef({per_channel ? 24 : 1}));
      const auto rounded = per_channel ? fake_quantize_weight(w, name, 0.5, "arbitrary", "max")
                                       : fake_quantize_dynamic(w, name, 0.5, "arbitrary");
      EXPECT_TRUE(at::equal(codes.to(at::kFloat) * scales.view({-1, 1}), rounded))
          << name << per_channel;
    }
}

}  // namespace
}  // namespace gainsweep::execute

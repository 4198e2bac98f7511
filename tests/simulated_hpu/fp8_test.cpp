// The bridge's fp8 operators against rounding by the format's definition.

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "simulated_hpu/calls.hpp"

namespace simulated_hpu {
namespace {

constexpr double x_scale = 1.0 / 16, w_scale = 1.0 / 256;  // dequantising, exponent biases

/// Nearest e4m3 value by its definition: 3 mantissa bits, bias 7, smallest normal 2^-6, ties to
/// even, most 240.
double rounded(double x) {
  const double magnitude = std::fabs(x);
  if (magnitude == 0) return x;
  const int exponent = std::max(-6, static_cast<int>(std::floor(std::log2(magnitude))));
  const double step = std::ldexp(1.0, exponent - 3);
  return std::copysign(std::min(std::nearbyint(magnitude / step) * step, 240.0), x);
}

at::Tensor cast(const at::Tensor& x, double scale) {
  return call("hpu::cast_to_fp8_v2", "scalar",
              {x.to(card), scale, false, false, at::kFloat8_e4m3fn, c10::IValue()})[0]
      .toTensor();
}

at::Tensor product(const at::Tensor& a, const at::Tensor& w, double a_scale, double b_scale) {
  return call("hpu::fp8_gemm_v2", "scalar",
              {a, false, w, true, c10::IValue(), at::kFloat, a_scale, b_scale, c10::IValue(), false,
               c10::IValue()})[0]
      .toTensor()
      .to(at::kCPU);
}

at::Tensor on_host(const at::Tensor& codes) {
  return codes.to(at::kCPU).to(at::kFloat);
}

class Fp8 : public testing::Test {
 protected:
  Fp8() {
    at::manual_seed(2);
    x_ = at::randn({33, 64}) * 3;
    w_ = at::randn({40, 64}) * 0.2;
    x8_ = cast(x_, 1 / x_scale);
    w8_ = cast(w_, 1 / w_scale);
  }

  at::Tensor x_, w_, x8_, w8_;
};

TEST_F(Fp8, CastMultipliesByItsScaleAndRoundsToNearestEven) {
  const auto codes = on_host(x8_).contiguous();
  const auto values = x_.contiguous();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    ASSERT_EQ(codes.const_data_ptr<float>()[i], rounded(values.const_data_ptr<float>()[i] * 16.0))
        << i;
}

TEST_F(Fp8, CastSaturatesAt240) {
  const auto codes = on_host(cast(at::full({2, 2}, 1e4), 1));
  EXPECT_EQ(codes.max().item<double>(), 240);
}

TEST_F(Fp8, GemmTakesDequantisingScales) {
  const auto expected = at::matmul(on_host(x8_) * x_scale, (on_host(w8_) * w_scale).t());
  EXPECT_TRUE(product(x8_, w8_, x_scale, w_scale).allclose(expected, 1e-5, 1e-5));
}

TEST_F(Fp8, ScalesThatAreNoExponentBiasAreCounted) {
  const auto before = count("off_grid_scales");
  product(x8_, w8_, x_scale, w_scale);
  EXPECT_EQ(count("off_grid_scales"), before);
  const auto expected = at::matmul(on_host(x8_) * 0.1, (on_host(w8_) * w_scale).t());
  EXPECT_TRUE(product(x8_, w8_, 0.1, w_scale).allclose(expected, 1e-5, 1e-5))
      << "right all the same";
  EXPECT_EQ(count("off_grid_scales"), before + 1);
}

TEST_F(Fp8, CodesThatAnOcpCastMakesAbove240AreNoNumbers) {
  const auto ocp = at::full({2, 64}, 448.0).to(at::kFloat8_e4m3fn).to(card);
  EXPECT_TRUE(std::isnan(product(ocp, w8_, 1, 1)[0][0].item<double>()));
}

TEST_F(Fp8, CastNeedsItsTypeThoughTheSchemaHasADefault) {
  EXPECT_NE(error_of([&] {
              call("hpu::cast_to_fp8_v2", "scalar",
                   {x_.to(card), 1.0, false, false, c10::IValue(), c10::IValue()});
            }),
            "");
}

TEST_F(Fp8, GemmTakesScalesOfOneKind) {
  const auto one = at::ones({1}).to(card);
  EXPECT_NE(error_of([&] {
              call("hpu::fp8_gemm_v2", "",
                   {x8_, false, w8_, true, c10::IValue(), at::kFloat, one, c10::IValue(),
                    c10::IValue(), false, c10::IValue()});
            }).find("of one kind"),
            std::string::npos);
}

TEST_F(Fp8, ScaledMmRunsThereAsWell) {
  const auto one = at::ones({}).to(card);
  const auto made =
      call("aten::_scaled_mm", "",
           {x8_, w8_.t(), one, one, c10::IValue(), c10::IValue(), at::kBFloat16, false})[0]
          .toTensor();
  const auto expected = at::matmul(on_host(x8_), on_host(w8_).t());
  EXPECT_TRUE(made.to(at::kCPU).to(at::kFloat).allclose(expected, 1e-2, 1e-2));
}

TEST_F(Fp8, CastBackGivesWhatTheCodesStandFor) {
  const auto back = call("hpu::cast_from_fp8", "scalar", {x8_, x_scale, at::kFloat, c10::IValue()});
  EXPECT_TRUE(back[0].toTensor().to(at::kCPU).equal(on_host(x8_) * x_scale));
}

}  // namespace
}  // namespace simulated_hpu

// Matrix products in fp32 of bf16 operands against products in fp64.

#include "execute/products.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace gainsweep::execute {
namespace {

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble).to(at::kBFloat16);
}

/// Sums in fp32 and one rounding to bf16: half a unit of its last place, and what cancels.
void expect_rounded_once(const at::Tensor& actual, const at::Tensor& exact) {
  ASSERT_EQ(actual.scalar_type(), at::kBFloat16);
  ASSERT_EQ(actual.sizes(), exact.sizes());
  const auto off = (actual.to(at::kDouble) - exact).abs();
  const auto allowed = exact.abs() / 256 + 1e-5 * exact.abs().max();
  EXPECT_TRUE((off <= allowed).all().item<bool>());
}

at::Tensor exact(const at::Tensor& x) {
  return x.to(at::kDouble);
}

TEST(WidenedProducts, AreRoundedOnce) {
  const auto& products = widened_products();
  // Weights of several blocks, the last of them shorter.
  const auto x = random({2, 3, 2048}, 1), w = random({1100, 2048}, 2), bias = random({1100}, 3);
  expect_rounded_once(products.linear(x, w, {}), at::linear(exact(x), exact(w)));
  expect_rounded_once(products.linear(x, w, bias), at::linear(exact(x), exact(w), exact(bias)));
  const auto gy = random({6, 1100}, 4);
  expect_rounded_once(products.mm(gy, w), at::mm(exact(gy), exact(w)));
  const auto rows = products.operand(x.view({6, 2048}));
  auto gradient = at::empty({1100, 2048}, w.options());
  products.mm_out(gradient, gy.t(), rows);
  expect_rounded_once(gradient, at::mm(exact(gy).t(), exact(x).view({6, 2048})));
  const auto a = random({2, 3, 10, 8}, 5), b = random({2, 7, 3, 8}, 6).permute({0, 2, 3, 1});
  expect_rounded_once(products.matmul(a, b, at::kBFloat16), at::matmul(exact(a), exact(b)));
}

TEST(WidenedProducts, TakeEmptyOperands) {
  const auto w = random({4, 8}, 1);
  EXPECT_EQ(widened_products().linear(random({0, 8}, 2), w, {}).sizes(), at::IntArrayRef({0, 4}));
  EXPECT_EQ(widened_products().mm(random({0, 4}, 2), w).sizes(), at::IntArrayRef({0, 8}));
}

/// The form follows type and processor, never a size.
TEST(Products, AreWidenedForBf16WithoutKernelsAlone) {
  const auto x = random({2, 2}, 1);
  EXPECT_EQ(&products_for(x), has_bf16_kernels() ? &native_products() : &widened_products());
  for (const auto type : {at::kFloat, at::kDouble})
    EXPECT_EQ(&products_for(x.to(type)), &native_products());
}

}  // namespace
}  // namespace gainsweep::execute

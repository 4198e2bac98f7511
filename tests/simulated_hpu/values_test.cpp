// What the card computes is what the host computes, and nothing is done on the host in silence.

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "simulated_hpu/calls.hpp"
#include "simulated_hpu/llama_block.hpp"

namespace simulated_hpu {
namespace {

bool keeps_off_the_host() {
  const char* text = std::getenv("PT_HPU_PLACE_ON_CPU");
  return text != nullptr && std::string(text) == "none";
}

void expect_block_as_on_the_host(at::ScalarType type, bool fused, double tolerance) {
  at::manual_seed(1);
  const auto block = LlamaBlock::random(48, type);
  const auto there = block.to(card).run(fused);
  EXPECT_EQ(there.device(), card);
  const auto difference = there.to(at::kCPU, at::kFloat) - block.run(fused).to(at::kFloat);
  EXPECT_LE(at::abs(difference).max().item<double>(), tolerance) << c10::toString(type);
}

TEST(Values, OfABlockEqualTheHosts) {
  const auto before = count("host_fallbacks");
  expect_block_as_on_the_host(at::kFloat, false, 1e-5);
  expect_block_as_on_the_host(at::kBFloat16, false, 5e-2);
  EXPECT_EQ(count("host_fallbacks"), before);
}

TEST(Values, OfFusedAttentionComeFromTheHost) {
  if (keeps_off_the_host()) {
    EXPECT_NE(error_of([] {
                expect_block_as_on_the_host(at::kFloat, true, 1e-5);
              }).find("has no kernel on the device and PT_HPU_PLACE_ON_CPU forbids the host's"),
              std::string::npos);
    return;
  }
  const auto before = count("host_fallbacks");
  expect_block_as_on_the_host(at::kFloat, true, 1e-5);
  expect_block_as_on_the_host(at::kBFloat16, true, 5e-2);
  EXPECT_GT(count("host_fallbacks"), before) << "the bridge has no kernel of it";
}

TEST(Values, HaveGradients) {
  at::manual_seed(2);
  const auto gradient = [](const at::Tensor& w, const at::Tensor& x) {
    const auto leaf = w.detach().requires_grad_();
    const auto loss = at::linear(x, leaf).square().sum();
    loss.backward();
    return leaf.grad().to(at::kCPU);
  };
  const auto w = at::randn({8, 16}), x = at::randn({4, 16});
  EXPECT_TRUE(gradient(w.to(card), x.to(card)).allclose(gradient(w, x), 1e-5, 1e-5));
}

TEST(Values, LiveOnTheOnlyCard) {
  const at::Device second(at::kHPU, 1);
  EXPECT_NE(error_of([&] { at::empty({1}, at::TensorOptions().device(second)); }), "");
}

}  // namespace
}  // namespace simulated_hpu

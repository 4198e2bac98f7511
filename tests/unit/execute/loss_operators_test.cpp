// The loss by blocks of rows against ATen's over all of them.

#include "execute/loss_operators.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <limits>

namespace gainsweep::execute {
namespace {

constexpr std::int64_t num_targets = 7;

at::Tensor random(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::kDouble) * 3;
}

at::Tensor targets_among(std::int64_t classes) {
  return at::arange(num_targets).mul(99991).remainder(classes);
}

at::Tensor leaf(const at::Tensor& x) {
  return x.detach().clone().requires_grad_();
}

class Loss : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Loss, AgreesWithAtenInFp64) {
  const auto classes = GetParam();
  const auto scores = leaf(random({num_targets, classes}, 1)), plain = leaf(scores);
  const auto targets = targets_among(classes);
  const auto loss = mean_cross_entropy(scores, targets, {});
  const auto expected = at::cross_entropy_loss(plain, targets);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-13);
  (2 * loss).backward();
  (2 * expected).backward();
  EXPECT_TRUE(at::allclose(scores.grad(), plain.grad(), 1e-12, 1e-14));
  const auto likelihoods = target_log_likelihoods(scores.detach(), targets);
  EXPECT_NEAR(likelihoods.mean().item<double>(), -expected.item<double>(), 1e-13);
}

/// Weights count as repetitions of a target do; what does not count need not be finite.
TEST_P(Loss, IsAWeightedMean) {
  const auto classes = GetParam();
  const auto scores = leaf(random({num_targets, classes}, 1)), plain = leaf(scores);
  const auto targets = targets_among(classes);
  const auto weights = at::tensor({1.0, 0.0, 2.0, 1.0, 0.0, 1.0, 3.0});
  const auto all = at::cross_entropy_loss(plain, targets, {}, at::Reduction::None);
  const auto expected = (all * weights).sum() / weights.sum();
  {
    const at::NoGradGuard no_grad;
    scores.select(0, 4).fill_(std::numeric_limits<double>::infinity());
  }
  const auto loss = mean_cross_entropy(scores, targets, weights.to(at::kFloat));
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-13);
  loss.backward();
  expected.backward();
  EXPECT_TRUE(at::allclose(scores.grad(), plain.grad(), 1e-12, 1e-14));
}

TEST_P(Loss, IsFormedInFp32WithGradientsOfTheScoresType) {
  const auto classes = GetParam();
  const auto exact = random({num_targets, classes}, 1).to(at::kBFloat16);
  const auto scores = leaf(exact), plain = leaf(exact.to(at::kFloat));
  const auto targets = targets_among(classes);
  const auto loss = mean_cross_entropy(scores, targets, {});
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  const auto nearest = at::cross_entropy_loss(exact.to(at::kDouble), targets).item<double>();
  EXPECT_NEAR(loss.item<double>(), nearest, 1e-6 * nearest);
  loss.backward();
  at::cross_entropy_loss(plain, targets).backward();
  ASSERT_EQ(scores.grad().scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::allclose(scores.grad().to(at::kFloat), plain.grad(), 1.0 / 128, 1e-12));
}

// One block of rows, several, and a row longer than a block.
INSTANTIATE_TEST_SUITE_P(Classes, Loss, ::testing::Values(50, 300000, 1100000));

TEST(MeanCrossEntropy, RefusesTargetsWithoutScores) {
  EXPECT_THROW(mean_cross_entropy(random({3, 4}, 1), at::zeros({4}, at::kLong), {}), c10::Error);
}

}  // namespace
}  // namespace gainsweep::execute

// Scores of samples of which not all targets count, or of another length than those before.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

class WeightedLoss : public ::testing::Test {
 protected:
  WeightedLoss() : model_(model::open(GAINSWEEP_SOURCE_DIR "/configs/models/embedded")) {
    std::iota(tokens_.begin(), tokens_.end(), 300);
  }

  graph::Graph graph(std::int64_t length, bool weighted) const {
    return model_.build({1, length, {model::Output::mean_loss}, weighted});
  }

  Prober prober(const graph::Graph& graph, Parameters& parameters, const char* format) const {
    auto low = format::by_name(format);
    if (low.name != "bf16") low.activation->scale = format::ScaleRule::dynamic_max;
    const auto ops = graph::quantizable_ops(graph);
    return {
        lower::probe(graph, ops), ops, parameters, {low}, fixture::with_weights(graph, parameters)};
  }

  ProbeRecord score(Prober& prober, const graph::Graph& graph, std::int64_t length,
                    std::vector<float> weights = {}) const {
    auto sample = fixture::window(tokens_, 0, length);
    sample.weights = std::move(weights);
    return prober.probe(make_inputs(graph, sample, model_.inputs, cpu()));
  }

  static const Device& cpu() { return devices().at("cpu"); }

  /// Of every number of every operand.
  static void compare(const ProbeRecord& a, const ProbeRecord& b, double tolerance) {
    const auto expect = [&](double x, double y) {
      EXPECT_LE(std::abs(x - y), tolerance * std::abs(y)) << x << " and " << y;
    };
    expect(a.loss, b.loss);
    EXPECT_EQ(a.targets, b.targets);
    ASSERT_EQ(a.operands.size(), b.operands.size());
    for (std::size_t op = 0; op < a.operands.size(); ++op)
      for (std::size_t k = 0; k < a.operands[op].size(); ++k) {
        const auto &one = a.operands[op][k], &other = b.operands[op][k];
        expect(one.sensitivity, other.sensitivity);
        expect(one.square_error.front(), other.square_error.front());
        expect(one.step_norm.front(), other.step_norm.front());
        EXPECT_LE(std::abs(one.signed_error.front() - other.signed_error.front()),
                  tolerance * std::sqrt(other.sensitivity));
      }
  }

  model::Model model_;
  std::vector<std::int64_t> tokens_ = std::vector<std::int64_t>(40);
};

/// To the bit, in every arithmetic.
TEST_F(WeightedLoss, WithEqualWeightsIsThePlainOne) {
  const auto plain = graph(12, false), weighted = graph(12, true);
  for (const auto precision : {Precision::fp32, Precision::bf16, Precision::fp64}) {
    Parameters parameters(model_, cpu(), precision);
    auto a = prober(plain, parameters, "int8"), b = prober(weighted, parameters, "int8");
    const auto expected = score(a, plain, 12);
    EXPECT_EQ(expected.targets, 12);
    compare(score(b, weighted, 12, std::vector<float>(12, 1)), expected, 0);
    compare(score(b, weighted, 12), expected, 0);
  }
}

/// Attention is causal: what stands behind the last target that counts has no part in anything.
TEST_F(WeightedLoss, LeavesOutWhatDoesNotCount) {
  Parameters parameters(model_, cpu(), Precision::fp64);
  const auto shorter = graph(8, false), longer = graph(12, true);
  auto plain = prober(shorter, parameters, "bf16"), weighted = prober(longer, parameters, "bf16");
  std::vector<float> weights(12, 1);
  std::fill(weights.begin() + 8, weights.end(), 0.0F);
  compare(score(weighted, longer, 12, weights), score(plain, shorter, 8), 1e-9);
  EXPECT_EQ(score(weighted, longer, 12, {1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}).targets, 3);
}

TEST_F(WeightedLoss, ProbersShareWhatWeightsAreRoundedBy) {
  Parameters parameters(model_, cpu(), Precision::fp32);
  const auto longer = graph(12, false), shorter = graph(8, true), one = graph(1, false);
  auto first = prober(longer, parameters, "int8");
  const auto before = score(first, longer, 12);
  for (const auto* graph : {&shorter, &one}) {
    const auto length = graph->value(graph->inputs.front()).shape[1];
    auto own = prober(*graph, parameters, "int8");
    Prober sharing(first, lower::probe(*graph, graph::quantizable_ops(*graph)), parameters);
    compare(score(sharing, *graph, length), score(own, *graph, length), 0);
  }
  compare(score(first, longer, 12), before, 0);
}

}  // namespace
}  // namespace gainsweep::execute

// Numbers of predictions beside the same from their definitions, in double.

#include "execute/outcome.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

using graph::ElementType;
using graph::Graph;

/// A "model" that gives its inputs back: the mean of the scores as its loss, and the scores.
class Echo : public ::testing::Test {
 protected:
  Echo() : stored_({{"unused", {{1}, {0}}}}), parameters_(stored_.parameters()) {}

  Outcome run(const at::Tensor& scores, bool with_scores = true) {
    const graph::Shape shape(scores.sizes().begin(), scores.sizes().end());
    Graph graph{.name = "echo"};
    const auto x = graph.add_input("x", ElementType::real, shape);
    graph.outputs = {graph.add_node("aten::mean", {x}, {}, "loss")};
    if (with_scores) graph.outputs.push_back(x);
    Program program(graph, parameters_);
    return outcome(program, fixture::inputs_of({scores}));
  }

  static at::Tensor scores(graph::Shape shape, unsigned seed, double scale) {
    const auto count = static_cast<std::size_t>(graph::num_elements(shape));
    return at::tensor(fixture::numbers(count, seed)).view(shape).mul(scale);
  }

  fixture::StoredModel stored_;
  Parameters parameters_;
};

struct Expected {
  double entropy, spread, divergence, tilt;
};

// As docs/method.md writes them, of each target, then their weighted mean.
Expected expected(const at::Tensor& high, const at::Tensor& low, const at::Tensor& weights) {
  const auto log_p = high.to(at::kDouble).flatten(0, -2).log_softmax(1);
  const auto log_q = low.to(at::kDouble).flatten(0, -2).log_softmax(1);
  const auto p = log_p.exp();
  const auto mean = [&](const at::Tensor& x) { return at::where(p > 0, p * x, 0.0).sum(1, true); };
  const auto covariance = [&](const at::Tensor& a, const at::Tensor& b) {
    return mean((a - mean(a)) * (b - mean(b))).squeeze(1);
  };
  const auto share = weights / weights.sum();
  const auto over_targets = [&](const at::Tensor& x) {
    return (share * x.reshape(-1)).sum().item<double>();
  };
  return {-over_targets(mean(log_p)), over_targets(covariance(log_p, log_p)),
          over_targets(mean(log_p - log_q)), over_targets(covariance(log_p, log_p - log_q))};
}

void expect_near(const Confidence& sure, const Departure& apart, const Expected& wanted) {
  EXPECT_NEAR(sure.entropy / wanted.entropy, 1, 1e-6);
  EXPECT_NEAR(sure.spread / wanted.spread, 1, 1e-6);
  EXPECT_NEAR(apart.divergence / wanted.divergence, 1, 1e-4);
  EXPECT_NEAR(apart.tilt / wanted.tilt, 1, 1e-4);
}

TEST_F(Echo, AgreesWithDefinitions) {
  // Several blocks of targets, a number of classes that no lane count divides, shifts of a whole
  // row, which change nothing.
  for (const auto& shape : {graph::Shape{1, 40, 8191}, graph::Shape{3, 5}, graph::Shape{2, 1}}) {
    SCOPED_TRACE(shape.back());
    const auto high = scores(shape, 1, 6);
    const auto low = high * 0.99 + scores(shape, 2, 0.05) + 3;
    const auto p = run(high), q = run(low);
    EXPECT_NEAR(p.loss, high.mean().item<double>(), 1e-6);
    ASSERT_TRUE(p.scores && q.scores);
    EXPECT_EQ(p.scores->num_bytes(), high.numel() * 4u);
    const auto sure = confidence(*p.scores, {});
    const auto apart = departure(*p.scores, *q.scores, {});
    if (shape.back() == 1) {
      EXPECT_EQ(sure.entropy + sure.spread + apart.divergence + apart.tilt, 0);
      continue;
    }
    const auto targets = high.numel() / high.size(-1);
    expect_near(sure, apart, expected(high, low, at::ones({targets}, at::kDouble)));
  }
}

TEST_F(Echo, WeighsTargets) {
  const auto high = scores({4, 9}, 1, 4), low = high + scores({4, 9}, 2, 0.3);
  const std::vector<float> weights{1, 0, 0.5F, 2};
  const auto p = run(high), q = run(low);
  expect_near(confidence(*p.scores, weights), departure(*p.scores, *q.scores, weights),
              expected(high, low, at::tensor({1.0, 0.0, 0.5, 2.0})));
}

TEST_F(Echo, LeavesOutClassesThatCannotBe) {
  auto high = scores({2, 6}, 1, 4), low = high + scores({2, 6}, 2, 0.3);
  high.index_put_({at::tensor({0}), at::tensor({2})}, -std::numeric_limits<float>::infinity());
  low.index_put_({at::tensor({0}), at::tensor({2})}, -std::numeric_limits<float>::infinity());
  const auto p = run(high), q = run(low);
  const auto sure = confidence(*p.scores, {});
  const auto apart = departure(*p.scores, *q.scores, {});
  for (const double number : {sure.entropy, sure.spread, apart.divergence, apart.tilt})
    EXPECT_TRUE(std::isfinite(number));
  high = at::cat({high.narrow(1, 0, 2), high.narrow(1, 3, 3)}, 1).narrow(0, 0, 1);
  low = at::cat({low.narrow(1, 0, 2), low.narrow(1, 3, 3)}, 1).narrow(0, 0, 1);
  const std::vector<float> first{1, 0};
  expect_near(confidence(*p.scores, first), departure(*p.scores, *q.scores, first),
              expected(high, low, at::ones({1}, at::kDouble)));
}

TEST_F(Echo, IsNothingFromItself) {
  const auto p = run(scores({7, 50}, 1, 8));
  const auto apart = departure(*p.scores, *p.scores, {});
  EXPECT_EQ(apart.divergence, 0);
  EXPECT_EQ(apart.tilt, 0);
}

TEST_F(Echo, TellsWhatIsRightAndAlike) {
  // Ties go to the first class; the second target does not count, the last is not among five.
  const auto high = run(at::tensor({9., 1., 2., 3., 4., 5., 6.,  //
                                    0., 1., 2., 3., 4., 5., 6.,  //
                                    7., 7., 0., 0., 0., 0., 0.,  //
                                    6., 5., 4., 3., 2., 1., 0.})
                            .view({4, 7}));
  const auto low = run(at::tensor({9., 1., 2., 3., 4., 5., 6.,  //
                                   9., 1., 2., 3., 4., 5., 6.,  //
                                   7., 7., 7., 7., 7., 7., 0.,  //
                                   0., 9., 4., 3., 2., 1., 0.})
                           .view({4, 7}));
  const std::vector<std::int64_t> targets{0, 6, 4, 6};
  const std::vector<float> weights{1, 0, 1, 2};
  const auto found = hits(*high.scores, *low.scores, targets, weights);
  EXPECT_DOUBLE_EQ(found.top1.value(), 0.25);
  EXPECT_DOUBLE_EQ(found.top5.value(), 0.5);
  EXPECT_DOUBLE_EQ(found.agreement, 0.5);
  const auto unlabelled = hits(*high.scores, *low.scores, {}, {});
  EXPECT_FALSE(unlabelled.top1 || unlabelled.top5);
  EXPECT_DOUBLE_EQ(unlabelled.agreement, 0.5);
}

TEST_F(Echo, HasAllTargetsAmongFiveClasses) {
  const auto p = run(scores({5, 4}, 3, 2));
  const std::vector<std::int64_t> targets{0, 1, 2, 3, 0};
  EXPECT_DOUBLE_EQ(hits(*p.scores, *p.scores, targets, {}).top5.value(), 1);
  EXPECT_THROW(hits(*p.scores, *p.scores, std::vector<std::int64_t>{0}, {}), Error);
}

TEST_F(Echo, MeasuresTheNoiseOfWhatCounts) {
  auto high = scores({5, 37}, 1, 4), low = high + scores({5, 37}, 2, 0.3);
  const auto squares = [](const at::Tensor& values) {
    return values.to(at::kDouble).square().sum().item<double>();
  };
  EXPECT_NEAR(noise(*run(high).scores, *run(low).scores, {}), squares(low - high) / squares(high),
              1e-6);
  const std::vector<float> weights{1, 0, 0, 0, 2};
  const auto counted = at::tensor({0, 4});
  EXPECT_NEAR(
      noise(*run(high).scores, *run(low).scores, weights),
      squares((low - high).index_select(0, counted)) / squares(high.index_select(0, counted)),
      1e-6);
  EXPECT_EQ(noise(*run(high).scores, *run(high).scores, {}), 0);
  for (auto* each : {&high, &low})
    each->index_put_({at::tensor({0}), at::tensor({2})}, -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isfinite(noise(*run(high).scores, *run(low).scores, {})));
  EXPECT_EQ(noise(*run(at::zeros({1, 3})).scores, *run(at::ones({1, 3})).scores, {}), 0);
  EXPECT_THROW(noise(*run(high).scores, *run(at::ones({1, 3})).scores, {}), Error);
}

TEST_F(Echo, HasNoScoresWhereTheProgramGivesNone) {
  EXPECT_FALSE(run(scores({2, 3}, 1, 1), false).scores);
}

TEST_F(Echo, RefusesWhatDoesNotFit) {
  const auto p = run(scores({2, 3}, 1, 1)), q = run(scores({3, 3}, 1, 1));
  EXPECT_NE(fixture::message_of(ErrorKind::internal, [&] { departure(*p.scores, *q.scores, {}); })
                .find("other targets or classes"),
            std::string::npos);
  const std::vector<float> three{1, 1, 1};
  EXPECT_NE(fixture::message_of(ErrorKind::internal, [&] { confidence(*p.scores, three); })
                .find("3 weights for the scores of 2 targets"),
            std::string::npos);
}

}  // namespace
}  // namespace gainsweep::execute

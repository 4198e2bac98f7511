#include "latency/timings.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/error.hpp"
#include "unit/throws.hpp"

namespace gainsweep::latency {
namespace {

std::vector<double> first_numbers(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

// The k-th smallest and k-th largest of n values enclose the median with probability
// 1 - 2·P(binomial(n, 1/2) < k); the classic tables list the largest k that keeps a confidence.
struct Rank {
  std::size_t count;
  double confidence;
  std::size_t k;
};
constexpr Rank table[] = {{6, 0.95, 1},   {8, 0.95, 1},    {9, 0.95, 2},  {10, 0.95, 2},
                          {12, 0.95, 3},  {20, 0.95, 6},   {25, 0.95, 8}, {30, 0.95, 10},
                          {40, 0.95, 14}, {100, 0.95, 40}, {10, 0.99, 1}, {20, 0.99, 4}};

TEST(MedianInterval, HasTheTabulatedOrderStatistics) {
  for (const auto& [count, confidence, k] : table) {
    SCOPED_TRACE(count);
    const auto interval = median_interval(first_numbers(count), confidence);
    EXPECT_EQ(interval.low, static_cast<double>(k));
    EXPECT_EQ(interval.high, static_cast<double>(count + 1 - k));
    EXPECT_EQ(interval.median, static_cast<double>(count + 1) / 2);
  }
}

TEST(MedianInterval, IsTheRangeOfTooFewValues) {
  for (const std::size_t count : {1u, 2u, 3u, 5u}) {
    const auto interval = median_interval(first_numbers(count), 0.95);
    EXPECT_EQ(interval.low, 1.0);
    EXPECT_EQ(interval.high, static_cast<double>(count));
  }
}

TEST(MedianInterval, DoesNotDependOnTheOrderOfValues) {
  const auto interval = median_interval({5, -1, 4, 2, 3, 0, 1}, 0.95);
  EXPECT_EQ(interval.median, 2);
  EXPECT_EQ(interval.low, -1);
  EXPECT_EQ(interval.high, 5);
}

TEST(MedianInterval, CoversTheTrueMedianAsOftenAsItSays) {
  std::mt19937 random(7);
  std::exponential_distribution<double> skewed(1);
  const double median = std::log(2.0);
  constexpr int trials = 4000;
  int covered = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> values(20);
    for (auto& value : values) value = skewed(random);
    const auto interval = median_interval(values, 0.95);
    covered += interval.low <= median && median <= interval.high ? 1 : 0;
  }
  // k = 6 of 20 covers with probability 0.9586; 0.01 is three standard deviations.
  EXPECT_NEAR(static_cast<double>(covered) / trials, 0.9586, 0.01);
}

TEST(MedianInterval, RefusesNoValues) {
  EXPECT_ERROR(median_interval({}, 0.95), ErrorKind::internal,
               "the median of no values was asked for");
}

TEST(RelativeGains, ArePartsOfTheAllHighRunOfEachBlock) {
  const Timings timings{{{10, 7, 12}, {20, 15, 21}}, {}, {}};
  EXPECT_EQ(all_high_seconds(timings), (std::vector<double>{10, 20}));
  EXPECT_EQ(relative_gains(timings, 0), (std::vector<double>{0, 0}));
  EXPECT_EQ(relative_gains(timings, 1), (std::vector<double>{3 / 10.0, 5 / 20.0}));
  EXPECT_EQ(relative_gains(timings, 2), (std::vector<double>{-2 / 10.0, -1 / 20.0}));
  EXPECT_THROW(relative_gains(timings, 3), std::out_of_range);
}

TEST(RelativeGains, OfASubgraphArePartsOfTheWholeModel) {
  const Timings timings{{{10, 7}, {20, 15}}, {}, {}, {100, 400}, {30, 50}};
  EXPECT_EQ(all_high_seconds(timings), (std::vector<double>{100, 400}));
  EXPECT_EQ(relative_gains(timings, 1), (std::vector<double>{3 / 100.0, 5 / 400.0}));
  // How precise a contest is has nothing to do with how large the rest of the model is.
  EXPECT_DOUBLE_EQ(widest_interval(timings, 0.95), 3 / 10.0 - 5 / 20.0);
  EXPECT_EQ(spent_seconds(timings), 10 + 7 + 20 + 15 + 30 + 50);
}

TEST(RelativeGains, DoNotFollowTheSpeedOfTheMachine) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> any(0.5, 1.5);
  Timings timings, slower;
  for (int block = 0; block < 30; ++block) {
    timings.seconds.push_back({1, any(random), any(random)});
    timings.whole.push_back(5 * any(random));
    const double factor = 10 * any(random);  // of this block alone
    slower.seconds.emplace_back();
    for (const double seconds : timings.seconds.back())
      slower.seconds.back().push_back(factor * seconds);
    slower.whole.push_back(factor * timings.whole.back());
  }
  for (const std::size_t configuration : {1u, 2u}) {
    const auto gains = relative_gains(timings, configuration);
    const auto same = relative_gains(slower, configuration);
    for (std::size_t b = 0; b < gains.size(); ++b) EXPECT_NEAR(gains[b], same[b], 1e-12);
  }
  EXPECT_NEAR(widest_interval(timings, 0.95), widest_interval(slower, 0.95), 1e-12);
}

TEST(WidestInterval, IsNothingWithoutACompetitor) {
  EXPECT_EQ(widest_interval({}, 0.95), 0);
  EXPECT_EQ(widest_interval({{{1}, {2}}, {}, {}}, 0.95), 0);
}

TEST(Concatenate, AppendsRoundsInOrder) {
  const Timings first{{{1, 2}}, {{0, 1}}, {9}}, second{{{3, 4}, {5, 6}}, {{1, 0}, {0, 1}}, {8, 7}};
  const auto all = concatenate({first, second});
  EXPECT_EQ(all.seconds, (std::vector<std::vector<double>>{{1, 2}, {3, 4}, {5, 6}}));
  EXPECT_EQ(all.order, (std::vector<std::vector<std::int64_t>>{{0, 1}, {1, 0}, {0, 1}}));
  EXPECT_EQ(all.warmup, (std::vector<double>{9, 8, 7}));
  EXPECT_TRUE(concatenate({}).seconds.empty());
  EXPECT_TRUE(all.whole.empty());
  const Timings alone{{{1, 2}}, {{0, 1, 2}}, {}, {7}, {3}};
  EXPECT_EQ(concatenate({alone, alone}).whole, (std::vector<double>{7, 7}));
  EXPECT_EQ(concatenate({alone, alone}).pieces, (std::vector<double>{3, 3}));
  Timings told = alone;
  told.cards.resize(1);
  EXPECT_EQ(concatenate({told, told}).cards.size(), 2u);
}

}  // namespace
}  // namespace gainsweep::latency

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.hpp"
#include "solve/solve.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

using ::testing::ElementsAre;

TEST(Prefix, LowersInOrderEachToItsCheapestFormat) {
  const OpFormats ops{{{1, 3}, {2, 1}}, {}, {{1, 2}, {2, 2}}, {{2, 4}}};
  EXPECT_THAT(prefix(ops, {100}), ElementsAre(2, 0, 1, 2));
}

TEST(Prefix, StopsAtTheFirstOpThatDoesNotFit) {
  const OpFormats ops{{{1, 1}}, {{1, 5}}, {{1, 1}}};
  EXPECT_THAT(prefix(ops, {3}), ElementsAre(1, 0, 0));
  EXPECT_THAT(prefix(ops, {0.5}), ElementsAre(0, 0, 0));
  EXPECT_THAT(prefix(ops, {6}), ElementsAre(1, 1, 0));
}

TEST(Prefix, LowersFreeOpsWithoutABudget) {
  EXPECT_THAT(prefix({{{1, 0}}, {{1, 1e-300}}, {{1, 0}}}, {0}), ElementsAre(1, 0, 0));
}

TEST(Prefix, KeepsTheLimitsOfAllResources) {
  const OpFormats ops{{{1, {1, 2}}}, {{1, {1, 5}}, {2, {2, 0}}}, {{1, {1, 1}}}};
  EXPECT_THAT(prefix(ops, {3, 8}), ElementsAre(1, 1, 1));
  EXPECT_THAT(prefix(ops, {3, 7}), ElementsAre(1, 1, 0));
  EXPECT_THAT(prefix(ops, {2, 100}), ElementsAre(1, 1, 0));
  EXPECT_THAT(prefix(ops, {3, 6}), ElementsAre(1, 0, 0));
  EXPECT_THAT(prefix(ops, {3, 100, 0}), ElementsAre(1, 1, 1));
  std::set<std::vector<std::size_t>> plans;
  for (std::uint64_t draw = 0; draw < 50; ++draw) plans.insert(random(ops, {3, 3}, 0, draw));
  // Whichever comes first is lowered, the second op never; the first and third fit together.
  EXPECT_THAT(plans, ElementsAre(ElementsAre(0, 0, 0), ElementsAre(0, 0, 1), ElementsAre(1, 0, 0),
                                 ElementsAre(1, 0, 1)));
}

TEST(Prefix, RefusesMalformedLimits) {
  EXPECT_ERROR(prefix({}, {}), ErrorKind::internal, "a knapsack has 0 limits");
  EXPECT_ERROR(prefix({}, {1, 1, 1, 1, 1}), ErrorKind::internal, "a knapsack has 5 limits");
  EXPECT_ERROR(random({}, {1, std::nan("")}, 0, 0), ErrorKind::internal, "a knapsack limit is nan");
}

TEST(Prefix, RefusesMalformedFormats) {
  EXPECT_ERROR(prefix({{{0, 1}}}, {1}), ErrorKind::internal, "op 0 offers format 0 at the cost 1");
  EXPECT_ERROR(prefix({{{1, -1}}}, {1}), ErrorKind::internal,
               "op 0 offers format 1 at the cost -1");
  EXPECT_ERROR(prefix({{{1, {1, -2}}}}, {1, 1}), ErrorKind::internal,
               "op 0 offers format 1 at the cost -2");
  EXPECT_ERROR(prefix({{{1, std::nan("")}}}, {1}), ErrorKind::internal,
               "op 0 offers format 1 at the cost nan");
}

TEST(Random, DrawsTheSameOnEveryPlatform) {
  const OpFormats ops(12, {{1, 1}});
  EXPECT_THAT(random(ops, {4}, 0, 0), ElementsAre(0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0));
  EXPECT_THAT(random(ops, {4}, 7, 99), ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0));
}

TEST(Random, DependsOnSeedAndDrawAlone) {
  const OpFormats ops(40, {{1, 1}});
  std::set<std::vector<std::size_t>> plans;
  for (std::uint64_t draw = 0; draw < 50; ++draw) {
    plans.insert(random(ops, {20}, 1, draw));
    plans.insert(random(ops, {20}, std::uint64_t{1} << 32, draw));
    EXPECT_EQ(random(ops, {20}, 1, draw), random(ops, {20}, 1, draw));
  }
  EXPECT_EQ(plans.size(), 100u);
}

TEST(Random, LowersEachOpAboutEquallyOften) {
  const OpFormats ops(8, {{1, 1}});
  std::vector<int> lowered(ops.size());
  for (std::uint64_t draw = 0; draw < 4000; ++draw) {
    const auto plan = random(ops, {2}, 3, draw);
    for (std::size_t op = 0; op < ops.size(); ++op) lowered[op] += static_cast<int>(plan[op]);
  }
  // 1000 expected each, standard deviation 27.
  for (const int count : lowered) EXPECT_NEAR(count, 1000, 150);
}

TEST(Random, KeepsTheBudgetSummedInIrOrder) {
  OpFormats ops;
  for (int op = 0; op < 30; ++op) ops.push_back({{1, {0.1 * (op % 3 + 1)}}});
  const double budget = 0.1 + 0.2 + 0.3 + 0.1;
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    const auto plan = random(ops, {budget}, 5, draw);
    double cost = 0;
    for (std::size_t op = 0; op < ops.size(); ++op)
      cost += plan[op] == 0 ? 0 : ops[op][0].cost.front();
    EXPECT_LE(cost, budget);
    EXPECT_GT(cost, 0);
  }
}

TEST(Random, LowersEverythingThatCanBeWhenAllFits) {
  EXPECT_THAT(random({{{1, 1}}, {}, {{1, 3}, {2, 2}}}, {3}, 0, 0), ElementsAre(1, 0, 2));
}

}  // namespace
}  // namespace gainsweep::solve

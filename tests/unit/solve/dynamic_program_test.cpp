#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "against_exhaustive.hpp"
#include "base/error.hpp"
#include "solve/solve.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

using ::testing::ElementsAre;

TEST(DynamicProgram, EqualsExhaustiveWithTies) {
  compare_with_exhaustive({.most_groups = 7, .most_choices = 5}, 4000, 1);
}

TEST(DynamicProgram, EqualsExhaustiveWithContinuousCosts) {
  compare_with_exhaustive({.gain_levels = 1000, .cost_levels = 0}, 2000, 2);
}

TEST(DynamicProgram, EqualsExhaustiveWhereRoundingAbsorbsCosts) {
  // Sums of thirds depend on the order; most groups gain the same.
  compare_with_exhaustive({.most_groups = 8,
                           .most_choices = 3,
                           .gain_levels = 2,
                           .cost_levels = 3,
                           .cost_unit = 1.0 / 3},
                          2000, 3);
}

TEST(DynamicProgram, EqualsExhaustiveAtEveryScale) {
  for (const double cost_unit : {1e-320, 1e-300, 1e-15, 1e-9, 1e9, 1e300}) {
    for (const std::int64_t gain_unit : {std::int64_t{1}, std::int64_t{10'000'000'000'000}}) {
      SCOPED_TRACE(cost_unit);
      compare_with_exhaustive(
          {.gain_levels = 101, .gain_unit = gain_unit, .cost_levels = 7, .cost_unit = cost_unit},
          300, 4);
    }
  }
}

TEST(DynamicProgram, PrefersTheFirstSelectionWhereARoundedSumTies) {
  // 1e-20 vanishes in the sum with 1: both selections cost exactly 1.
  const Problem problem{{{{5, 1e-20}, {5, 0}}, {{0, 1}}}, {2}};
  EXPECT_THAT(dynamic_program(problem).choices, ElementsAre(0, 0));
}

TEST(DynamicProgram, BreaksTiesByCostThenByOrder) {
  const Problem problem{{{{0, 0}, {3, 2}, {3, 1}, {3, 1}}, {{1, 1}, {1, 1}}}, {10}};
  const Solution solution = dynamic_program(problem);
  EXPECT_THAT(solution.choices, ElementsAre(2, 0));
  EXPECT_EQ(solution.gain, 4);
  EXPECT_EQ(solution.cost, Resources{2});
}

TEST(DynamicProgram, DistinguishesGainsThatDoubleCannot) {
  const std::int64_t large = 1'000'000'000'000'000'000;
  const Problem problem{{{{large, 0}, {large + 1, 1}, {large + 2, 2}}}, {1}};
  EXPECT_EQ(dynamic_program(problem).gain, large + 1);
}

TEST(DynamicProgram, KeepsTheBudgetInTheSumThatIsReported) {
  // 0.1 + 0.2 is above 0.3 in double.
  const Problem problem{{{{0, 0}, {1, 0.1}}, {{0, 0}, {1, 0.2}}}, {0.3}};
  EXPECT_EQ(dynamic_program(problem).gain, 1);
  Problem wider = problem;
  wider.limits = {0.1 + 0.2};
  EXPECT_EQ(dynamic_program(wider).gain, 2);
}

TEST(DynamicProgram, TakesTheLeastLossWhenAllGainsAreNegative) {
  const Problem problem{{{{-5, 0}, {-3, 1}}, {{-7, 2}, {-9, 0}}}, {2}};
  const Solution solution = dynamic_program(problem);
  EXPECT_EQ(solution.gain, -12);
  EXPECT_THAT(solution.choices, ElementsAre(1, 1));
}

TEST(DynamicProgram, SaysWhichBudgetIsReachable) {
  const Problem problem{{{{0, 0.5}, {1, 1}}, {{0, 0.25}}}, {0.7}};
  const Solution solution = dynamic_program(problem);
  EXPECT_EQ(solution.termination, Termination::infeasible);
  EXPECT_TRUE(solution.choices.empty());
  EXPECT_EQ(solution.least_cost, Resources{0.75});
}

TEST(DynamicProgram, HasAnEmptyPlanForNoGroups) {
  const Solution solution = dynamic_program({{}, {0}});
  EXPECT_EQ(solution.termination, Termination::optimal);
  EXPECT_TRUE(solution.choices.empty());
}

TEST(DynamicProgram, NeverGainsLessWithALargerBudget) {
  std::mt19937_64 bits(5);
  InstanceSpec spec{
      .most_groups = 40, .most_choices = 16, .gain_levels = 100'000, .cost_levels = 0};
  for (int i = 0; i < 20; ++i) {
    Problem problem = random_problem(spec, bits);
    double least = 0;
    for (const auto& group : problem.groups) least += group.front().cost.front();
    std::int64_t previous = std::numeric_limits<std::int64_t>::min();
    for (double budget = least; budget < 4 * least; budget += least / 8) {
      problem.limits = {budget};
      const Solution solution = dynamic_program(problem);
      EXPECT_GE(solution.gain, previous);
      EXPECT_LE(solution.cost.front(), budget);
      previous = solution.gain;
    }
  }
}

void expect_internal(const Problem& problem) {
  try {
    dynamic_program(problem);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

TEST(DynamicProgram, RefusesMalformedProblems) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  expect_internal({{{}}, {1}});
  expect_internal({{{{1, -1}}}, {1}});
  expect_internal({{{{1, std::nan("")}}}, {1}});
  expect_internal({{{{1, infinity}}}, {1}});
  expect_internal({{{{1, 0}}}, {-1}});
  expect_internal({{{{1, 0}}}, {std::nan("")}});
  expect_internal({{{{1, 0}}}, {infinity}});
  expect_internal({{{{most, 0}}, {{most, 0}}}, {1}});
  expect_internal({{{{most / 5, 0}}, {{most / 5, 0}}}, {1}});
}

TEST(Exhaustive, RefusesTooManySelections) {
  Problem problem;
  problem.limits = {1};
  problem.groups.assign(23, {{0, 0}, {1, 1}});
  EXPECT_ERROR(exhaustive(problem), ErrorKind::internal,
               "selections was given to exhaustive search");
}

}  // namespace
}  // namespace gainsweep::solve

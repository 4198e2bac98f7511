#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "against_exhaustive.hpp"
#include "base/error.hpp"
#include "solve/solve.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

using ::testing::ElementsAre;

class Several : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Resources, Several, testing::Values(1, 2, 3, 4));

TEST_P(Several, EqualsExhaustiveOnProblemsWithTies) {
  // Sums of tenths depend on their order and miss limits by a unit in the last place.
  const int infeasible = compare_with_exhaustive(
      {.most_groups = 6, .most_choices = 4, .num_resources = GetParam()}, 10'000, 31);
  EXPECT_GT(infeasible, 1000);
  EXPECT_LT(infeasible, 9000);
}

TEST_P(Several, EqualsExhaustiveWhereRoundingAbsorbsCosts) {
  compare_with_exhaustive({.most_groups = 8,
                           .most_choices = 3,
                           .gain_levels = 2,
                           .cost_levels = 3,
                           .cost_unit = 1.0 / 3,
                           .num_resources = GetParam()},
                          2000, 32);
}

TEST_P(Several, EqualsExhaustiveWithContinuousCosts) {
  compare_with_exhaustive({.gain_levels = 1000, .cost_levels = 0, .num_resources = GetParam()},
                          2000, 33);
}

TEST_P(Several, EqualsExhaustiveAtEveryScale) {
  for (const double cost_unit : {1e-320, 1e-300, 1e-15, 1e-9, 1e9, 1e300}) {
    for (const std::int64_t gain_unit : {std::int64_t{1}, std::int64_t{10'000'000'000'000}}) {
      SCOPED_TRACE(cost_unit);
      compare_with_exhaustive({.gain_levels = 101,
                               .gain_unit = gain_unit,
                               .cost_levels = 7,
                               .cost_unit = cost_unit,
                               .num_resources = GetParam()},
                              100, 34);
    }
  }
}

TEST_P(Several, EqualsExhaustiveWhereListsAreCutAndGrow) {
  std::mt19937_64 bits(35);
  std::size_t most_states = 0;
  for (int i = 0; i < 60 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    Problem problem;
    problem.groups.resize(14, std::vector<Choice>(2));
    problem.limits.assign(GetParam(), 0);
    for (auto& group : problem.groups) {
      group[1].gain = 1'000'000;
      for (std::size_t r = 0; r < GetParam(); ++r) {
        // Costs that trade resources for each other at equal gains: hardly anything is dominated.
        group[1].cost[r] = std::uniform_real_distribution<double>(1, 2)(bits);
        problem.limits[r] += group[1].cost[r] * 0.5;
        group[1].gain += static_cast<std::int64_t>(100'000 * group[1].cost[r]);
      }
    }
    const Solution found = dynamic_program(problem);
    most_states = std::max(most_states, found.most_states);
    expect_equal(found, exhaustive(problem));
  }
  EXPECT_GT(most_states, 256u);
}

TEST_P(Several, IsCertified) {
  std::mt19937_64 bits(36);
  for (int i = 0; i < 500 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem = random_problem({.num_resources = GetParam()}, bits);
    const Solution solution = dynamic_program(problem);
    Certificate certificate;
    ASSERT_NO_THROW(certificate = certify(problem, solution));
    EXPECT_TRUE(certificate.proved);
    EXPECT_LE(certificate.relative_gap, 1e-6);
  }
}

/// The list of one resource always ends.
class ShortList : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Resources, ShortList, testing::Values(2, 3, 4));

TEST_P(ShortList, LeavesToCbcWhatExhaustiveSearchFinds) {
  std::mt19937_64 bits(37);
  int unfinished = 0;
  for (int i = 0; i < 800 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem = random_problem({.most_groups = 8, .num_resources = GetParam()}, bits);
    const Solution expected = exhaustive(problem);
    const auto termination = dynamic_program(problem, 1).termination;
    if (termination == Termination::feasible || termination == Termination::unknown) ++unfinished;
    const Outcome found = solve(problem, {.most_states = 1});
    EXPECT_TRUE(found.certificate.proved);
    EXPECT_EQ(found.solution.least_cost, expected.least_cost);
    ASSERT_EQ(found.solution.termination, expected.termination);
    EXPECT_EQ(found.solution.gain, expected.gain);
    for (std::size_t r = 0; r < GetParam(); ++r) {
      EXPECT_LE(found.solution.cost[r], problem.limits[r]);
    }
  }
  EXPECT_GT(unfinished, 50);
}

/// Interchangeable groups, whose relaxed optimum stays above the true one in very many nodes.
Problem hard_problem(std::mt19937_64& bits) {
  Problem problem;
  for (int group = 0; group < 40; ++group) {
    const std::int64_t gain = 1000 + static_cast<std::int64_t>(bits() % 5);
    problem.groups.push_back({{0, {0, 0.5}}, {gain, {0.25, 0.25}}, {2 * gain + 1, {0.5, 0}}});
  }
  problem.limits = {7.6, 12.9};
  return problem;
}

TEST(Solve, SaysTheGapWhereCbcStopsAtItsLimitOfNodes) {
  std::mt19937_64 bits(38);
  int unproved = 0;
  for (int i = 0; i < 10; ++i) {
    const Problem problem = hard_problem(bits);
    const Solution best = dynamic_program(problem);
    ASSERT_EQ(best.termination, Termination::optimal);
    const auto [solution, certificate] = solve(problem, {.most_states = 1, .most_nodes = 1});
    if (certificate.proved) continue;
    ++unproved;
    EXPECT_EQ(solution.termination, Termination::feasible);
    EXPECT_LE(solution.gain, best.gain);
    EXPECT_GE(certificate.objective, static_cast<double>(best.gain));
    EXPECT_GE(certificate.relative_gap,
              static_cast<double>(best.gain - solution.gain) / static_cast<double>(solution.gain));
    EXPECT_LT(certificate.relative_gap, 0.1);
  }
  EXPECT_GT(unproved, 0);
}

TEST(Solve, SaysThatNothingIsKnownWithoutAPlanOrAProof) {
  std::mt19937_64 bits(39);
  const auto [solution, certificate] = branch_and_bound(hard_problem(bits), {}, 0);
  EXPECT_EQ(solution.termination, Termination::unknown);
  EXPECT_TRUE(solution.choices.empty());
  EXPECT_FALSE(certificate.proved);
  EXPECT_EQ(certificate.relative_gap, std::numeric_limits<double>::infinity());
}

TEST(Solve, AgreesWithCbcAloneOnLargerProblems) {
  std::mt19937_64 bits(40);
  for (int i = 0; i < 12 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem = random_problem({.most_groups = 25,
                                            .most_choices = 8,
                                            .gain_levels = 100'000,
                                            .cost_levels = 0,
                                            .num_resources = static_cast<std::size_t>(2 + i % 2)},
                                           bits);
    const auto [solution, certificate] = solve(problem);
    const Outcome alone = branch_and_bound(problem);
    EXPECT_TRUE(certificate.proved);
    EXPECT_TRUE(alone.certificate.proved);
    EXPECT_EQ(solution.termination, alone.solution.termination);
    EXPECT_EQ(solution.gain, alone.solution.gain);
  }
}

TEST(Solve, TakesTheLeastOfTheFirstResourceAmongEqualGains) {
  const Problem problem{{{{5, {2, 0}}, {5, {1, 9}}, {5, {1, 3}}}}, {9, 9}};
  EXPECT_THAT(solve(problem).solution.choices, ElementsAre(1));
  const Problem tight{problem.groups, {9, 8}};
  EXPECT_THAT(solve(tight).solution.choices, ElementsAre(2));
  const Problem tighter{problem.groups, {9, 2}};
  EXPECT_THAT(solve(tighter).solution.choices, ElementsAre(0));
}

TEST(Solve, SaysWhichLimitCannotBeKept) {
  const Groups groups{{{0, {0.5, 3}}, {1, {1, 1}}}, {{0, {0.25, 1}}}};
  const Solution alone = solve({groups, {0.7, 10}}).solution;
  EXPECT_EQ(alone.termination, Termination::infeasible);
  EXPECT_TRUE(alone.choices.empty());
  EXPECT_EQ(alone.least_cost, (Resources{0.75, 2}));
  // Each limit can be kept, but not both.
  const auto [together, certificate] = solve({groups, {1, 3}});
  EXPECT_EQ(together.termination, Termination::infeasible);
  EXPECT_EQ(together.least_cost, (Resources{0.75, 2}));
  EXPECT_TRUE(certificate.proved);
  EXPECT_EQ(solve({groups, {1, 4}}).solution.gain, 0);
  EXPECT_EQ(solve({groups, {1.25, 3}}).solution.gain, 1);
}

TEST(Solve, HasAnEmptyPlanForNoGroups) {
  const auto [solution, certificate] = solve({{}, {0, 0, 0}});
  EXPECT_EQ(solution.termination, Termination::optimal);
  EXPECT_TRUE(solution.choices.empty());
  EXPECT_TRUE(certificate.proved);
}

TEST(Solve, RefusesMalformedProblems) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_ERROR(solve({{{{1, 0}}}, {}}), ErrorKind::internal, "a knapsack has 0 limits");
  EXPECT_ERROR(solve({{{{1, 0}}}, {1, 1, 1, 1, 1}}), ErrorKind::internal,
               "a knapsack has 5 limits (it takes 1 to 4)");
  EXPECT_ERROR(solve({{{{1, 0}}}, {1, -1}}), ErrorKind::internal, "a knapsack limit is -1");
  EXPECT_ERROR(solve({{{{1, 0}}}, {1, infinity}}), ErrorKind::internal, "a knapsack limit is inf");
  EXPECT_ERROR(solve({{{{1, {0, -1}}}}, {1, 1}}), ErrorKind::internal,
               "knapsack group 0 has the cost -1");
  EXPECT_ERROR(solve({{{{1, {0, std::nan("")}}}}, {1, 1}}), ErrorKind::internal,
               "knapsack group 0 has the cost nan");
  EXPECT_ERROR(solve({{{{1, {0, 0, 2}}}}, {1, 1}}), ErrorKind::internal,
               "has the cost 2 of resource 2 (limits are given for 2)");
  EXPECT_ERROR(dynamic_program({{{{1, 0}}}, {1, 1}}, 0), ErrorKind::internal,
               "a list of no states was asked for");
}

TEST(Solve, RefusesSolutionsThatDoNotAddUp) {
  const Problem problem{{{{0, {0, 0}}, {10, {1, 2}}}, {{0, {0, 0}}, {9, {1, 1}}}}, {2, 2}};
  Solution solution = dynamic_program(problem);
  ASSERT_EQ(solution.gain, 10);
  solution.cost[1] = 1;
  EXPECT_ERROR(certify(problem, solution), ErrorKind::internal,
               "the plan to certify does not add up (gain 10, cost 1 1, limit 2 2)");
  EXPECT_ERROR(branch_and_bound(problem, solution), ErrorKind::internal, "does not add up");
  solution = dynamic_program(problem);
  solution.termination = Termination::feasible;
  EXPECT_ERROR(certify(problem, solution), ErrorKind::internal, "its solver did not finish");
}

TEST(Certify, RefutesAPlanOfSeveralResourcesThatIsNotOptimal) {
  const Problem problem{{{{0, {0, 0}}, {10, {1, 2}}}, {{0, {0, 0}}, {9, {1, 1}}}}, {2, 2}};
  Solution wrong = dynamic_program(problem);
  wrong.choices = {0, 1};
  wrong.gain = 9;
  wrong.cost = {1, 1};
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal,
               "CBC and the dynamic program disagree");
}

}  // namespace
}  // namespace gainsweep::solve

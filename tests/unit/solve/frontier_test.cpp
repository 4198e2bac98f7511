#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "instances.hpp"
#include "solve/solve.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

void expect_point(const FrontierPoint& point, const Solution& solution) {
  ASSERT_EQ(solution.termination, Termination::optimal);
  EXPECT_EQ(point.gain, solution.gain);
  EXPECT_EQ(point.cost, solution.cost);
  EXPECT_EQ(point.choices, solution.choices);
}

/// At each break point the frontier's selection is the optimum, and just below it the one before
/// is.
template <class Solver>
void compare(const std::vector<FrontierPoint>& points, Problem problem, std::size_t step,
             Solver solver) {
  for (std::size_t i = 0; i < points.size() && !testing::Test::HasFailure(); i += step) {
    SCOPED_TRACE("point " + std::to_string(i));
    problem.limits.front() = points[i].cost.front();
    expect_point(points[i], solver(problem));
    if (points[i].cost.front() == 0) continue;
    problem.limits.front() = std::nextafter(points[i].cost.front(), 0.0);
    const Solution below = solver(problem);
    if (i == 0) {
      EXPECT_EQ(below.termination, Termination::infeasible);
    } else {
      expect_point(points[i - 1], below);
    }
  }
}

TEST(Frontier, AgreesWithExhaustiveAtAndBelowEachPoint) {
  std::mt19937_64 bits(21);
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem =
        random_problem({.most_groups = 5, .cost_levels = i % 2 == 0 ? 5 : 0}, bits);
    const auto points = frontier({problem.groups, {unlimited}});
    ASSERT_FALSE(points.empty());
    compare(points, problem, 1, exhaustive);
    Problem relaxed = problem;
    relaxed.limits = {1e6};
    expect_point(points.back(), exhaustive(relaxed));
  }
}

TEST(Frontier, KeepsTheLimitsOfTheOtherResources) {
  std::mt19937_64 bits(25);
  int empty = 0;
  for (int i = 0; i < 600 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    Problem problem = random_problem({.most_groups = 5,
                                      .cost_levels = i % 2 == 0 ? 5 : 0,
                                      .num_resources = static_cast<std::size_t>(2 + i % 3)},
                                     bits);
    problem.limits.front() = unlimited;
    const auto points = frontier(problem);
    compare(points, problem, 1, exhaustive);
    problem.limits.front() = 1e6;
    if (points.empty()) {
      EXPECT_EQ(exhaustive(problem).termination, Termination::infeasible);
      ++empty;
    } else {
      expect_point(points.back(), exhaustive(problem));
    }
  }
  EXPECT_GT(empty, 50);
  EXPECT_LT(empty, 400);
}

TEST(Frontier, IsThatOfOneResourceWhenTheOtherLimitsAreFarAway) {
  std::mt19937_64 bits(26);
  Problem problem = random_problem({.most_groups = 30,
                                    .most_choices = 8,
                                    .gain_levels = 1000,
                                    .cost_levels = 0,
                                    .num_resources = 2},
                                   bits);
  problem.limits = {unlimited, unlimited};
  const auto points = frontier(problem);
  for (auto& group : problem.groups) {
    for (Choice& choice : group) choice.cost[1] = 0;
  }
  problem.limits = {unlimited};
  const auto expected = frontier(problem);
  ASSERT_GT(points.size(), 30u);
  ASSERT_EQ(points.size(), expected.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].choices, expected[i].choices);
  }
}

TEST(Frontier, AgreesWithTheDynamicProgram) {
  std::mt19937_64 bits(22);
  const InstanceSpec spec{
      .most_groups = 40, .most_choices = 16, .gain_levels = 100'000, .cost_levels = 0};
  for (int i = 0; i < 4 && !HasFailure(); ++i) {
    const Problem problem = random_problem(spec, bits);
    const auto points = frontier({problem.groups, {unlimited}});
    compare(points, problem, 1 + points.size() / 200,
            [](const Problem& p) { return dynamic_program(p); });
  }
}

TEST(Frontier, RisesInCostAndGain) {
  std::mt19937_64 bits(23);
  const Problem problem = random_problem({.most_groups = 30, .most_choices = 8}, bits);
  const auto points = frontier({problem.groups, {unlimited}});
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i - 1].cost.front(), points[i].cost.front());
    EXPECT_LT(points[i - 1].gain, points[i].gain);
  }
}

TEST(Frontier, LeavesOutCostsAboveTheLargestBudget) {
  std::mt19937_64 bits(24);
  const Problem problem =
      random_problem({.most_groups = 12, .most_choices = 6, .cost_levels = 0}, bits);
  const auto all = frontier({problem.groups, {unlimited}});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto part = frontier({problem.groups, {all[i].cost.front()}});
    ASSERT_EQ(part.size(), i + 1);
    EXPECT_EQ(part.back().choices, all[i].choices);
  }
  EXPECT_TRUE(frontier({{{{1, 2.0}}}, {1.0}}).empty());
  EXPECT_TRUE(frontier({{{{1, 0.0}}}, {-1.0}}).empty());
}

TEST(Frontier, RefusesMalformedGroups) {
  EXPECT_ERROR(frontier({{{}}, {1}}), ErrorKind::internal, "knapsack group 0 ");
  EXPECT_ERROR(frontier({{{{1, -1.0}}}, {1}}), ErrorKind::internal, "knapsack group 0 ");
  EXPECT_ERROR(frontier({{{{1, 1.0}}}, {std::nan("")}}), ErrorKind::internal,
               "a limit of a frontier is not a number");
  EXPECT_ERROR(frontier({{{{1, 1.0}}}, {}}), ErrorKind::internal, "a knapsack has 0 limits");
  EXPECT_ERROR(frontier({{{{1, {1.0, 2.0}}}}, {1}}), ErrorKind::internal,
               "knapsack group 0 has the cost 2 of resource 1");
  EXPECT_TRUE(frontier({{{{1, {0.0, 0.0}}}}, {1, -1}}).empty());
}

}  // namespace
}  // namespace gainsweep::solve

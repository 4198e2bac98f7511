// Quadratic programs against every selection there is.

#include "solve/quadratic.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/error.hpp"

namespace gainsweep::solve {
namespace {

constexpr std::int64_t many_nodes = 100000;

QuadraticProblem random_problem(unsigned seed, std::size_t groups, std::size_t choices,
                                double share, double least) {
  std::mt19937 engine(seed);
  std::uniform_int_distribution<std::int64_t> gain(0, 20);
  std::normal_distribution<double> cost(0.3, 1), pair(0, 0.4);
  std::uniform_real_distribution<double> unit(0, 1);
  QuadraticProblem problem;
  std::int64_t most = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    auto& group = problem.groups.emplace_back(1);  // all-high
    std::int64_t best = 0;
    for (std::size_t c = 1; c < choices; ++c) {
      group.push_back({gain(engine), cost(engine)});
      best = std::max(best, group.back().gain);
    }
    most += best;
  }
  for (std::size_t a = 0; a < groups; ++a)
    for (std::size_t b = a + 1; b < groups; ++b)
      for (std::size_t i = 1; i < choices; ++i)
        for (std::size_t j = 1; j < choices; ++j)
          if (unit(engine) < share) problem.pairs.push_back({a, i, b, j, pair(engine)});
  problem.least_gain = static_cast<std::int64_t>(least * static_cast<double>(most));
  return problem;
}

TEST(Quadratic, FindsTheCheapestOfAllSelections) {
  for (unsigned seed = 0; seed < 25; ++seed)
    for (const double least : {0.0, 0.5, 0.9, 1.0}) {
      const auto problem = random_problem(seed, 6, 3, 0.7, least);
      const auto best = exhaustive(problem);
      const auto found = solve_quadratic(problem, many_nodes);
      ASSERT_FALSE(found.solution.choices.empty());
      EXPECT_NEAR(found.solution.cost, best.cost, 1e-9) << seed << " at " << least;
      EXPECT_GE(found.solution.gain, problem.least_gain);
      EXPECT_TRUE(found.certificate.proved);
      EXPECT_NEAR(found.certificate.relative_gap, 0, 1e-9);
    }
}

TEST(Quadratic, DescentsEndWhereNoExchangeOfTwoHelps) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto problem = random_problem(seed, 7, 3, 0.8, 0.4);
    const auto found = descend(problem, std::vector<std::size_t>(7, 1));
    const auto start = evaluate(problem, std::vector<std::size_t>(7, 1));
    if (start.gain < problem.least_gain) continue;
    EXPECT_LE(found.cost, start.cost);
    for (std::size_t a = 0; a < 7; ++a)
      for (std::size_t b = 0; b < 7; ++b)
        for (std::size_t i = 0; i < 3; ++i)
          for (std::size_t j = 0; j < 3; ++j) {
            auto other = found.choices;
            other[a] = i;
            other[b] = j;
            const auto changed = evaluate(problem, other);
            if (changed.gain < problem.least_gain) continue;
            EXPECT_GE(changed.cost, found.cost - 1e-9);
          }
  }
}

TEST(Quadratic, TellsTheGapWhereNodesRunOut) {
  const auto problem = random_problem(3, 14, 3, 1, 0.6);
  const auto found = solve_quadratic(problem, 1);
  EXPECT_FALSE(found.certificate.proved);
  EXPECT_GT(found.certificate.relative_gap, 0);
  EXPECT_LE(found.certificate.objective, found.solution.cost);
  EXPECT_GE(found.solution.gain, problem.least_gain);
}

TEST(Quadratic, WithoutPairsIsTheSumOfCosts) {
  const auto problem = random_problem(1, 8, 3, 0, 0.7);
  EXPECT_NEAR(solve_quadratic(problem, many_nodes).solution.cost, exhaustive(problem).cost, 1e-9);
}

TEST(Quadratic, HasNoSelectionWhereNoneGainsEnough) {
  auto problem = random_problem(1, 4, 2, 1, 1);
  problem.least_gain += 1;
  EXPECT_TRUE(solve_quadratic(problem, many_nodes).solution.choices.empty());
  EXPECT_TRUE(exhaustive(problem).choices.empty());
}

TEST(Quadratic, IsTheSameEachTime) {
  const auto problem = random_problem(9, 12, 3, 1, 0.5);
  const auto first = solve_quadratic(problem, 50), second = solve_quadratic(problem, 50);
  EXPECT_EQ(first.solution.choices, second.solution.choices);
  EXPECT_EQ(first.certificate.objective, second.certificate.objective);
}

TEST(Quadratic, RefusesMalformedProblems) {
  QuadraticProblem problem{{{{0, 0}, {1, 1}}, {{0, 0}}}, {}, 0};
  problem.pairs = {{1, 0, 0, 1, 1.0}};
  EXPECT_THROW(solve_quadratic(problem, 1), Error) << "the other way round";
  problem.pairs = {{0, 2, 1, 0, 1.0}};
  EXPECT_THROW(evaluate(problem, {0, 0}), Error) << "no such choice";
  problem.pairs.clear();
  EXPECT_THROW(evaluate(problem, {0}), Error);
  problem.groups.emplace_back();
  EXPECT_THROW(solve_quadratic(problem, 1), Error) << "no choices";
}

}  // namespace
}  // namespace gainsweep::solve

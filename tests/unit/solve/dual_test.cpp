#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>

#include "instances.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/verification.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

/// Whether the limits behind the first are kept.
bool keeps_budgets(const Problem& problem, const Resources& cost) {
  for (std::size_t r = 1; r < problem.limits.size(); ++r)
    if (cost[r] > problem.limits[r]) return false;
  return true;
}

/// Tries every selection, in lexicographic order.
Solution least_error(const Problem& problem) {
  Solution best;
  std::vector<std::size_t> choices(problem.groups.size());
  for (;;) {
    const Resources cost = total_cost(problem.groups, choices);
    const auto rank = [](const Resources& c) { return std::tie(c[0], c[1]); };
    if (keeps_budgets(problem, cost) &&
        (best.termination == Termination::infeasible || rank(cost) < rank(best.cost))) {
      best.termination = Termination::optimal;
      best.choices = choices;
      best.cost = cost;
    }
    std::size_t group = choices.size();
    while (group > 0 && choices[group - 1] + 1 == problem.groups[group - 1].size())
      choices[--group] = 0;
    if (group == 0) return best;
    ++choices[group - 1];
  }
}

class Dual : public testing::TestWithParam<std::size_t> {
 protected:
  /// A random problem with as many resources as the parameter says, its errors changed.
  template <class Change>
  Problem problem(InstanceSpec spec, std::mt19937_64& bits, Change change) const {
    spec.num_resources = GetParam();
    auto made = random_problem(spec, bits);
    for (auto& group : made.groups)
      for (auto& choice : group) choice.cost[0] = change(choice.cost[0]);
    return made;
  }

  /// One whose errors differ by powers of ten, a quarter of them 0.
  Problem spread(std::mt19937_64& bits, std::uniform_real_distribution<double>& power) const {
    return problem({.most_groups = 5, .cost_levels = 0}, bits, [&](double cost) {
      return bits() % 4 == 0 ? 0 : cost * std::pow(10, power(bits));
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Resources, Dual, testing::Values(2, 3, 4));

TEST_P(Dual, EqualsExhaustiveWithTies) {
  std::mt19937_64 bits(51);
  int infeasible = 0, ties = 0;
  for (int i = 0; i < 1000 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    // Eighths add up exactly; the budgets' tenths do not.
    const auto made =
        problem({.most_groups = 5}, bits, [](double cost) { return std::round(cost / 0.1) / 8; });
    const auto expected = least_error(made);
    const auto [found, certificate] = solve_dual(made);
    ASSERT_EQ(found.termination, expected.termination);
    EXPECT_EQ(found.choices, expected.choices);
    EXPECT_TRUE(certificate.proved);
    if (expected.termination == Termination::infeasible) {
      ++infeasible;
      continue;
    }
    EXPECT_EQ(found.cost, expected.cost);
    EXPECT_EQ(found.gain, total_gain(made.groups, expected.choices));
    EXPECT_NEAR(certificate.objective, expected.cost[0], 1e-6 * expected.cost[0]);
    ties += static_cast<int>(std::count(expected.choices.begin(), expected.choices.end(), 0U));
  }
  EXPECT_GT(infeasible, 50);
  EXPECT_GT(ties, 500);
}

TEST_P(Dual, EqualsExhaustiveWhereErrorsDifferByPowersOfTen) {
  std::mt19937_64 bits(52);
  std::uniform_real_distribution<double> power(-4, 4);
  for (int i = 0; i < 600 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const auto made = spread(bits, power);
    const auto expected = least_error(made);
    const auto found = solve_dual(made).solution;
    ASSERT_EQ(found.termination, expected.termination);
    EXPECT_EQ(found.choices, expected.choices);
    EXPECT_EQ(found.cost, expected.cost);
  }
}

TEST_P(Dual, IsLeastToAPartWhereErrorsDifferByMore) {
  std::mt19937_64 bits(56);
  std::uniform_real_distribution<double> power(-20, 20);
  for (int i = 0; i < 600 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const auto made = spread(bits, power);
    const auto expected = least_error(made);
    const auto found = solve_dual(made).solution;
    ASSERT_EQ(found.termination, expected.termination);
    EXPECT_LE(found.cost[0], expected.cost[0] * (1 + 25 * std::exp2(-50)));
    EXPECT_TRUE(keeps_budgets(made, found.cost));
  }
}

TEST_P(Dual, EqualsExhaustiveAtEveryScale) {
  std::mt19937_64 bits(53);
  for (const double unit : {1e-320, 1e-300, 1e-30, 1e30, 1e290}) {
    SCOPED_TRACE(unit);
    for (int i = 0; i < 50 && !HasFailure(); ++i) {
      const auto made = problem({.most_groups = 5}, bits,
                                [&](double cost) { return std::round(cost / 0.1) * unit; });
      const auto expected = least_error(made);
      const auto found = solve_dual(made).solution;
      ASSERT_EQ(found.termination, expected.termination);
      EXPECT_LE(found.cost[0], expected.cost[0] * (1 + 1e-14) + 1e-305);
    }
  }
}

/// Groups of a model with several formats: errors rise as bytes fall, by formats of very different
/// error.
Problem model_like(std::size_t groups, std::mt19937_64& bits) {
  constexpr double bits_of[] = {16, 8.5, 8.25, 6.25, 4.5, 4.25};
  constexpr double error_of[] = {0, 1e-8, 2e-8, 1e-6, 1e-4, 3e-4};
  std::lognormal_distribution<double> spread(0, 2);
  Problem problem;
  for (std::size_t g = 0; g < groups; ++g) {
    const double size = std::round(1000 * spread(bits)) * 32, sensitivity = spread(bits);
    auto& group = problem.groups.emplace_back();
    for (std::size_t f = 0; f < std::size(bits_of); ++f) {
      Choice choice;
      choice.cost = {error_of[f] * sensitivity * spread(bits), size * bits_of[f]};
      choice.gain = static_cast<std::int64_t>(size * (16 - bits_of[f]));
      group.push_back(choice);
    }
  }
  problem.limits = {0, 0};
  return problem;
}

TEST(DualOfAModel, IsThePointOfTheFrontier) {
  std::mt19937_64 bits(54);
  for (int i = 0; i < 3 && !testing::Test::HasFailure(); ++i) {
    auto problem = model_like(60, bits);
    auto primal = problem;
    primal.limits = {1e9};
    for (auto& group : primal.groups)
      for (auto& choice : group) choice.cost[1] = 0;
    const auto points = frontier(primal);
    double all = 0;
    for (const auto& group : problem.groups) all += group.front().cost[1];
    for (const double share : {0.27, 0.3, 0.35, 0.5, 0.6, 0.99, 1.0}) {
      SCOPED_TRACE(share);
      problem.limits[1] = share * all;
      const auto point = std::find_if(points.begin(), points.end(), [&](const auto& p) {
        return all - static_cast<double>(p.gain) <= problem.limits[1];
      });
      ASSERT_NE(point, points.end());
      const auto [found, certificate] = solve_dual(problem);
      ASSERT_EQ(found.termination, Termination::optimal);
      EXPECT_EQ(found.choices, point->choices);
      EXPECT_EQ(found.cost[0], point->cost[0]);
      EXPECT_TRUE(certificate.proved);
      EXPECT_LE(certificate.relative_gap, 1e-6);
    }
  }
}

TEST(DualOfAModel, SaysWhatIsTheLeastOfABudgetThatNothingKeeps) {
  std::mt19937_64 bits(55);
  auto problem = model_like(30, bits);
  problem.limits[1] = 1;
  const auto found = solve_dual(problem).solution;
  EXPECT_EQ(found.termination, Termination::infeasible);
  EXPECT_TRUE(found.choices.empty());
  double least = 0;
  for (const auto& group : problem.groups) least += group.back().cost[1];
  EXPECT_EQ(found.least_cost[1], least);
  EXPECT_EQ(found.least_cost[0], 0);
}

TEST(DualOfAModel, NeedsALimitBehindTheFirst) {
  EXPECT_ERROR(solve_dual({{{Choice{}}}, {1.0}}), ErrorKind::internal, "0 limits");
  EXPECT_ERROR(solve_dual({{{Choice{}}}, {}}), ErrorKind::internal, "0 limits");
}

}  // namespace
}  // namespace gainsweep::solve

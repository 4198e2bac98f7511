#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/error.hpp"
#include "instances.hpp"
#include "solve/solve.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

/// Certifies the dynamic program's plan and compares CBC alone with it.
void check(const Problem& problem) {
  const Solution solution = dynamic_program(problem);
  Certificate certificate;
  ASSERT_NO_THROW(certificate = certify(problem, solution));
  EXPECT_TRUE(certificate.proved);
  EXPECT_LE(certificate.relative_gap, 1e-6);
  const Solution alone = branch_and_bound(problem).solution;
  ASSERT_EQ(alone.termination, solution.termination);
  EXPECT_LE(alone.cost.front(), problem.limits.front());
  EXPECT_LE(alone.gain, solution.gain);
}

TEST(BranchAndBound, EqualsExhaustive) {
  std::mt19937_64 bits(11);
  // Costs in steps of 1/8 add exactly: CBC's tolerance cannot mistake one selection for another.
  const InstanceSpec spec{.cost_unit = 0.125};
  for (int i = 0; i < 1500 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    Problem problem = random_problem(spec, bits);
    problem.limits = {std::round(problem.limits.front() * 16) / 16};
    const Solution expected = exhaustive(problem);
    const Solution found = branch_and_bound(problem).solution;
    ASSERT_EQ(found.termination, expected.termination);
    EXPECT_EQ(found.gain, expected.gain);
    EXPECT_LE(found.cost.front(), problem.limits.front());
    EXPECT_EQ(found.least_cost, expected.least_cost);
  }
}

TEST(Certify, CertifiesSmallPlans) {
  std::mt19937_64 bits(12);
  for (int i = 0; i < 1500 && !HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem = random_problem({}, bits);
    EXPECT_NO_THROW(certify(problem, dynamic_program(problem)));
  }
}

TEST(Certify, HoldsAtEveryScaleOfBudgetAndGain) {
  for (const double cost_unit : {1e-13, 1e-9, 1e-6, 1.0}) {
    for (const std::int64_t gain_unit :
         {std::int64_t{1}, std::int64_t{1'000'000}, std::int64_t{1'000'000'000'000}}) {
      SCOPED_TRACE(cost_unit);
      std::mt19937_64 bits(13);
      const InstanceSpec spec{.most_groups = 12,
                              .most_choices = 8,
                              .gain_levels = 1000,
                              .gain_unit = gain_unit,
                              .cost_levels = 0,
                              .cost_unit = cost_unit};
      for (int i = 0; i < 25 && !HasFailure(); ++i) check(random_problem(spec, bits));
    }
  }
}

TEST(Certify, HoldsForIdenticalGroupsJustBelowABreakPoint) {
  Problem problem;
  problem.groups.assign(32, {{0, 0}, {7, 0.1}});
  double cost = 0;
  for (int i = 0; i < 16; ++i) cost += 0.1;
  problem.limits = {std::nextafter(cost, 0.0)};
  const Solution solution = dynamic_program(problem);
  EXPECT_EQ(solution.gain, 15 * 7);
  EXPECT_TRUE(certify(problem, solution).resolved_with_margin);
  problem.limits = {cost};
  EXPECT_EQ(dynamic_program(problem).gain, 16 * 7);
  EXPECT_NO_THROW(certify(problem, dynamic_program(problem)));
}

TEST(Certify, SaysWhatIsUnprovedWhenItStopsAtALimitOfNodes) {
  std::mt19937_64 bits(17);
  int unproved = 0;
  for (int i = 0; i < 20; ++i) {
    // Interchangeable choices: the relaxed optimum stays above the true one in very many nodes.
    Problem problem;
    for (int group = 0; group < 40; ++group) {
      const std::int64_t gain = 1000 + static_cast<std::int64_t>(bits() % 5);
      problem.groups.push_back({{0, 0}, {gain, 0.25}, {2 * gain + 1, 0.5}});
    }
    problem.limits = {7.6};
    const Solution solution = dynamic_program(problem);
    const Certificate certificate = certify(problem, solution, 1);
    if (certificate.proved) continue;
    ++unproved;
    EXPECT_GE(certificate.objective, static_cast<double>(solution.gain));
    EXPECT_LT(certificate.relative_gap, 0.1);
  }
  EXPECT_GT(unproved, 0);
}

TEST(Certify, CertifiesAPlanWithinTheMarginOfTheBudget) {
  // {1} is a hair over the budget; {2}, the optimum, lies inside the margin that would exclude it.
  const double budget = 1;
  const Problem problem{{{{0, 0}, {10, budget * (1 + 1e-10)}, {4, 0.5}},
                         {{0, 0}, {10, 0.5 + 1e-10}, {5, 0.5 - 1e-10}}},
                        {budget}};
  const Solution solution = dynamic_program(problem);
  EXPECT_EQ(solution.gain, 10);
  EXPECT_NO_THROW(certify(problem, solution));
  const Problem tight{{{{0, 0}, {9, 0.5}}, {{0, 0}, {11, 0.5 + 1e-10}, {9, 0.5}}}, {budget}};
  const Solution inside = dynamic_program(tight);
  EXPECT_EQ(inside.gain, 18);
  EXPECT_TRUE(certify(tight, inside).resolved_with_margin);
}

TEST(Certify, HoldsForNegativeGainsAndZeroBudgets) {
  check({{{{-5, 0}, {-3, 1}}, {{-7, 2}, {-9, 0}}}, {2}});
  check({{{{-5, 0}, {-3, 1}}, {{-7, 2}, {-9, 0}}}, {0}});
  check({{{{0, 0}, {3, 0}}, {{1, 0}}}, {0}});
  check({{{{0, 0}}}, {0}});
  check({{}, {0}});
}

TEST(Certify, ConfirmsThatNoPlanExists) {
  check({{{{0, 0.5}, {1, 1}}, {{0, 0.25}}}, {0.7}});
  check({{{{0, 0.5}}, {{0, 0.25}}}, {0.2}});
  check({{{{0, 0.5}}, {{0, 0.5}}}, {std::nextafter(1.0, 0.0)}});
  check({{{{0, 1e-300}}}, {0}});
}

TEST(Certify, RefutesAPlanThatIsNotOptimal) {
  const Problem problem{{{{0, 0}, {10, 1}}, {{0, 0}, {9, 1}}}, {1}};
  Solution wrong = dynamic_program(problem);
  wrong.choices = {0, 1};
  wrong.gain = 9;
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal,
               "CBC and the dynamic program disagree");
}

TEST(Certify, RefusesAPlanThatDoesNotAddUp) {
  const Problem problem{{{{0, 0}, {10, 1}}, {{0, 0}, {9, 1}}}, {1}};
  const Solution right = dynamic_program(problem);
  Solution wrong = right;
  wrong.gain += 1;
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal, "the plan to certify does not add up");
  wrong = right;
  wrong.choices = {1, 1};
  wrong.gain = 19;
  wrong.cost = {2};
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal, "the plan to certify does not add up");
  wrong.choices = {1, 2};
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal, "the plan to certify does not add up");
  wrong = right;
  wrong.termination = Termination::infeasible;
  EXPECT_ERROR(certify(problem, wrong), ErrorKind::internal,
               "CBC and the dynamic program disagree");
}

TEST(Certify, PrintsNothing) {
  std::mt19937_64 bits(14);
  const InstanceSpec spec{
      .most_groups = 20, .most_choices = 8, .gain_levels = 1000, .cost_levels = 0};
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i) check(random_problem(spec, bits));
  check({{{{0, 0.5}}, {{0, 0.25}}}, {0.2}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Certify, WorksFromSeveralThreads) {
  const auto work = [](std::uint64_t seed, int& failures) {
    std::mt19937_64 bits(seed);
    for (int i = 0; i < 20; ++i) {
      const Problem problem = random_problem({.most_groups = 12, .cost_levels = 0}, bits);
      try {
        certify(problem, dynamic_program(problem));
      } catch (const Error&) {
        ++failures;
      }
    }
  };
  int failures[2] = {0, 0};
  std::thread first(work, 15, std::ref(failures[0]));
  std::thread second(work, 16, std::ref(failures[1]));
  first.join();
  second.join();
  EXPECT_EQ(failures[0] + failures[1], 0);
}

}  // namespace
}  // namespace gainsweep::solve

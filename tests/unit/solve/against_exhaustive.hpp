#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "instances.hpp"
#include "solve/solve.hpp"

/// The dynamic program against exhaustive search on random problems.
namespace gainsweep::solve {

inline void expect_equal(const Solution& found, const Solution& expected) {
  ASSERT_EQ(found.termination, expected.termination);
  EXPECT_EQ(found.choices, expected.choices);
  EXPECT_EQ(found.gain, expected.gain);
  EXPECT_EQ(found.cost, expected.cost);
  EXPECT_EQ(found.least_cost, expected.least_cost);
}

/// How many of the problems are infeasible.
inline int compare_with_exhaustive(const InstanceSpec& spec, int count, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  int infeasible = 0;
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("instance " + std::to_string(i));
    const Problem problem = random_problem(spec, bits);
    const Solution expected = exhaustive(problem);
    expect_equal(dynamic_program(problem), expected);
    if (expected.termination == Termination::infeasible) ++infeasible;
  }
  return infeasible;
}

}  // namespace gainsweep::solve

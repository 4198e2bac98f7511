#include "pipeline/observe.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.hpp"
#include "unit/throws.hpp"

namespace gainsweep::pipeline {
namespace {

TEST(Merge, TakesTheLargestOfAllSamplesInAnyOrder) {
  std::vector<lower::Maxima> samples{{{1, 0}, {5, 2}}, {{3, 0}, {4, 1}}, {{2, 0}, {6, 0.5}}};
  const lower::Maxima expected{{3, 0}, {6, 2}};
  EXPECT_EQ(merge(samples), expected);
  std::reverse(samples.begin(), samples.end());
  EXPECT_EQ(merge(samples), expected);
  EXPECT_EQ(merge(std::span(samples).first(1)), samples.front());
}

TEST(Merge, RefusesNoSamplesAndDifferentOps) {
  EXPECT_ERROR(merge({}), ErrorKind::internal, "there are no samples");
  EXPECT_ERROR(merge(std::vector<lower::Maxima>{{{1, 0}}, {{1, 0}, {1, 0}}}), ErrorKind::internal,
               "differ in their ops");
  EXPECT_ERROR(merge(std::vector<lower::Maxima>{{{1, 0}}, {{1}}}), ErrorKind::internal,
               "differ in the operands of an op");
}

}  // namespace
}  // namespace gainsweep::pipeline

#include "base/quantile.hpp"

#include <gtest/gtest.h>

namespace gainsweep {
namespace {

TEST(Quantile, LiesBetweenTheNearestValues) {
  const std::vector<double> sorted{1, 2, 4, 8};
  EXPECT_EQ(quantile(sorted, 0), 1);
  EXPECT_EQ(quantile(sorted, 1), 8);
  EXPECT_EQ(quantile(sorted, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.9), 8 - 0.3 * 4);
  EXPECT_EQ(quantile({5}, 0.3), 5);
}

}  // namespace
}  // namespace gainsweep

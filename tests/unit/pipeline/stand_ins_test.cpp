#include "pipeline/stand_ins.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "models.hpp"

namespace gainsweep::pipeline {
namespace {

std::size_t num_low(const graph::Assignment& assignment) {
  return static_cast<std::size_t>(std::count_if(assignment.begin(), assignment.end(),
                                                [](auto format) { return format != high_format; }));
}

TEST(StandIns, LowerMoreOpsUnderLargerThresholds) {
  const auto layout = models::llama();
  const auto spec = models::spec(layout);
  for (const auto& strategy : spec.solve.strategies) {
    SCOPED_TRACE(strategy);
    std::size_t before = 0;
    for (const double threshold : spec.solve.thresholds) {
      const auto plans = stand_ins(layout, spec, {{0, strategy, threshold}});
      ASSERT_EQ(plans.size(), 1U);
      EXPECT_GE(num_low(plans.front()), before);
      before = num_low(plans.front());
    }
    EXPECT_GT(before, layout.partition.ops.size() / 2);
    EXPECT_LT(before, layout.partition.ops.size());
  }
}

TEST(StandIns, LowerFewerOpsWithinLargerBudgets) {
  const auto layout = models::llama();
  auto spec = models::spec(layout);
  spec.solve.budgets = {{"bits", {8.5, 10, 15}}};
  auto before = layout.partition.ops.size();
  for (const double bits : spec.solve.budgets.at("bits")) {
    const auto plans = stand_ins(layout, spec, {{2, "ip", bits}});
    ASSERT_EQ(plans.size(), 1U);
    EXPECT_LT(num_low(plans.front()), before);
    before = num_low(plans.front());
  }
  EXPECT_GT(before, 0U);
}

TEST(StandIns, AreNamedOnce) {
  const auto layout = models::llama();
  const auto spec = models::spec(layout);
  const Question one{0, "prefix", spec.solve.thresholds.back()};
  auto other = one;
  other.aim = 1;
  EXPECT_EQ(stand_ins(layout, spec, {one, other}).size(), 1U) << "prefix reads no gains";
  EXPECT_TRUE(stand_ins(layout, spec, {}).empty());
}

}  // namespace
}  // namespace gainsweep::pipeline

#include "pipeline/plans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "models.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::find, archive::integers, archive::reals, archive::texts;

constexpr double rounding = 1 + 1e-12;  // sums over the same numbers in another order

double loss_error(const Decision& decision, const graph::Assignment& assignment) {
  double sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i)
    sum += decision.errors.d[i][assignment[i].index];
  return sum;
}

bool respects_ties(const Layout& layout, const graph::Assignment& assignment) {
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto& tie : subgraph.ties)
      for (const auto place : tie)
        if (assignment[subgraph.ops[place].index] != assignment[subgraph.ops[tie[0]].index])
          return false;
  return true;
}

// Every assignment of `small()`: two formats, c and d tied.
std::vector<graph::Assignment> all_assignments() {
  std::vector<graph::Assignment> all;
  for (std::size_t bits = 0; bits < 16; ++bits) {
    const auto format = [&](std::size_t bit) { return FormatId{bits >> bit & 1}; };
    all.push_back({format(0), format(1), format(2), format(2), format(3)});
  }
  return all;
}

archive::Record row(batch::Fields fields) {
  return batch::record({}, std::move(fields));
}

/// The plans of every question but the frontiers.
struct Solved {
  Question point;
  Plans plans;
};
std::vector<Solved> solve_all(const Layout& layout, const spec::Spec& spec,
                              const Decision& decision) {
  std::vector<Solved> solved;
  for (const auto& question : questions(spec.solve))
    if (!question.is_frontier()) {
      const auto plans = models::answer(layout, spec, question, decision);
      solved.push_back({question, to_plans(row(to_fields(plans, spec, question)))});
    }
  return solved;
}

class Small : public ::testing::TestWithParam<unsigned> {
 protected:
  const Layout layout_ = models::small();
  const spec::Spec spec_ = models::spec(layout_);
  const Measured measured_ = models::scores(layout_, GetParam());
  const Decision decision_ = decide(layout_, spec_, measured_);
};
INSTANTIATE_TEST_SUITE_P(Seeds, Small, ::testing::Range(1u, 9u));

TEST_P(Small, IpPlansAreTheBestUnderTheirBudget) {
  std::set<graph::Assignment> distinct;
  for (const auto& [point, plans] : solve_all(layout_, spec_, decision_)) {
    if (point.how != "ip") continue;
    SCOPED_TRACE(plans.threshold);
    ASSERT_EQ(plans.assignments.size(), 1u);
    std::int64_t best = 0;
    for (const auto& assignment : all_assignments())
      if (loss_error(decision_, assignment) <= plans.budget)
        best =
            std::max(best, gain::total(decision_.gains[point.aim], layout_.partition, assignment));
    EXPECT_EQ(plans.gains[0], best);
    EXPECT_LE(plans.certificate.relative_gap, 1e-6);
    distinct.insert(plans.assignments[0]);
  }
  EXPECT_GT(distinct.size(), 2u) << "the thresholds should lead to several plans";
}

TEST_P(Small, PlansRespectBudgetAndTiesAndSayWhatTheyAre) {
  for (const auto& [point, plans] : solve_all(layout_, spec_, decision_)) {
    SCOPED_TRACE(point.how);
    const bool is_random = point.how == "random";
    ASSERT_EQ(plans.assignments.size(), is_random ? 7u : 1u);
    EXPECT_EQ(plans.threshold, point.threshold);
    EXPECT_EQ(plans.num_samples, 3);
    for (std::size_t i = 0; i < plans.assignments.size(); ++i) {
      const auto& assignment = plans.assignments[i];
      EXPECT_TRUE(respects_ties(layout_, assignment));
      EXPECT_LE(plans.loss_errors[i], plans.budget * rounding);
      EXPECT_EQ(plans.loss_errors[i], loss_error(decision_, assignment));
      EXPECT_EQ(plans.gains[i],
                gain::total(decision_.gains[point.aim], layout_.partition, assignment));
      EXPECT_EQ(plans.assignment_keys[i], assignment_key(assignment, layout_.formats));
    }
  }
}

TEST_P(Small, NoStrategyBeatsIp) {
  std::map<std::pair<std::size_t, double>, std::int64_t> best;
  const auto solved = solve_all(layout_, spec_, decision_);
  for (const auto& [point, plans] : solved)
    if (point.how == "ip") best[{point.aim, point.threshold}] = plans.gains[0];
  for (const auto& [point, plans] : solved)
    for (const auto gain : plans.gains) EXPECT_LE(gain, best.at({point.aim, point.threshold}));
}

TEST_P(Small, TheFrontierHasEveryParetoOptimalPlan) {
  for (const auto& question : questions(spec_.solve)) {
    if (!question.is_frontier()) continue;
    const auto fields = frontier(layout_, spec_, question, decision_);
    const auto& gains = integers(fields, "gain");
    const auto& costs = reals(fields, "loss_error");
    EXPECT_TRUE(std::is_sorted(gains.begin(), gains.end()));
    EXPECT_TRUE(std::is_sorted(costs.begin(), costs.end()));
    const auto& formats = integers(fields, "assignment");
    const auto num_ops = layout_.partition.ops.size();
    ASSERT_EQ(formats.size(), gains.size() * num_ops);
    for (std::size_t p = 0; p < gains.size(); ++p) {
      const auto plan = to_assignment(std::span(formats).subspan(p * num_ops, num_ops));
      EXPECT_TRUE(respects_ties(layout_, plan));
      EXPECT_EQ(gain::total(decision_.gains[question.aim], layout_.partition, plan), gains[p]);
      EXPECT_NEAR(loss_error(decision_, plan), costs[p], costs[p] * (rounding - 1));
    }
    for (const auto& assignment : all_assignments()) {
      const double cost = loss_error(decision_, assignment);
      const auto gain = gain::total(decision_.gains[question.aim], layout_.partition, assignment);
      bool matched = false;
      for (std::size_t p = 0; p < gains.size(); ++p)
        matched = matched || (gains[p] >= gain && costs[p] <= cost * rounding);
      EXPECT_TRUE(matched) << "gain " << gain << " at cost " << cost;
    }
  }
}

std::vector<std::string> keys(const spec::Spec& spec, const Decision& decision,
                              const std::string& objective) {
  std::vector<std::string> keys;
  for (const auto& question : questions(spec.solve))
    if (spec.solve.objectives[question.aim] == objective)
      keys.push_back(key::plan(decision.digests[question.aim], key_facts(spec, question)));
  return keys;
}

// Contests that ran while the machine was so many times slower.
gain::Times slowed(const Layout& layout, std::vector<double> factors) {
  gain::Times times;
  const auto steady = models::times(layout);
  for (std::size_t j = 0; j < steady.size(); ++j) {
    latency::Timings timings;
    for (int block = 0; block < 8; ++block) {
      const double speed = factors[(j + static_cast<std::size_t>(block)) % factors.size()];
      auto& seconds = timings.seconds.emplace_back();
      for (const auto& saving : steady[j].savings) seconds.push_back(speed * (1 - saving.median));
    }
    times.push_back(gain::measured(steady[j].configurations, timings, 1, 0.95, j));
  }
  return times;
}

// Whatever slows a machine down between stages, rounds or blocks changes no plan and no share.
TEST(Time, OfASlowerMachineGivesTheSamePlans) {
  const auto layout = models::small();
  auto spec = models::spec(layout);
  spec.solve.objectives = {"time"};
  auto measured = models::scores(layout);
  const auto plans_with = [&](gain::Times times) {
    measured.times = std::move(times);
    return solve_all(layout, spec, decide(layout, spec, measured));
  };
  const auto plain = plans_with(slowed(layout, {1})),
             slow = plans_with(slowed(layout, {8, 0.5, 3}));
  ASSERT_EQ(plain.size(), slow.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(plain[i].plans.assignments, slow[i].plans.assignments);
    ASSERT_EQ(plain[i].plans.gains.size(), slow[i].plans.gains.size());
    for (std::size_t g = 0; g < plain[i].plans.gains.size(); ++g)
      EXPECT_NEAR(static_cast<double>(plain[i].plans.gains[g]),
                  static_cast<double>(slow[i].plans.gains[g]), 5)
          << "parts per 10⁹";
  }
}

class Keys : public ::testing::Test {
 protected:
  Keys() {
    spec_.solve.objectives = {"time", "macs"};
    measured_.times = models::times(layout_);
  }
  std::vector<std::string> time_keys() const {
    return keys(spec_, decide(layout_, spec_, measured_), "time");
  }
  std::vector<std::string> macs_keys() const {
    return keys(spec_, decide(layout_, spec_, measured_), "macs");
  }
  // How many of the keys are still there.
  static std::size_t kept(const std::vector<std::string>& before,
                          const std::vector<std::string>& after) {
    return static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [&](auto& key) {
      return std::find(after.begin(), after.end(), key) != after.end();
    }));
  }

  Layout layout_ = models::small();
  spec::Spec spec_ = models::spec(layout_);
  Measured measured_ = models::scores(layout_);
};

TEST_F(Keys, AreDistinctAndFollowFromTheInputsAlone) {
  const auto first = time_keys();
  EXPECT_EQ(time_keys(), first);
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), first.size());
  EXPECT_EQ(kept(first, macs_keys()), 0u);
  EXPECT_EQ(first.size(), 3 * 6 + 1u) << "strategies times thresholds, and the frontier";
}

TEST_F(Keys, OnlyAChangedThresholdTakesNewOnes) {
  const auto before = macs_keys();
  spec_.solve.thresholds[2] = 0.025;
  const auto after = macs_keys();
  EXPECT_EQ(kept(before, after), before.size() - 3) << "one a strategy";
  spec_.solve.thresholds.push_back(2);
  EXPECT_EQ(kept(after, macs_keys()), after.size()) << "an added threshold";
}

TEST_F(Keys, ChangeWithLossErrors) {
  const auto before = macs_keys();
  measured_.scores[1].operands[3][0].signed_error[0] *= 1 + 1e-9;
  EXPECT_EQ(kept(before, macs_keys()), 0u);
}

TEST_F(Keys, ChangeWithTheGainsOfTheirObjectiveAlone) {
  const auto time_before = time_keys(), macs_before = macs_keys();
  measured_.times = models::times(layout_, 2);
  EXPECT_EQ(kept(time_before, time_keys()), 0u);
  EXPECT_EQ(macs_keys(), macs_before);
  spec_.target.mac_rates["int8"] = 4;
  EXPECT_EQ(kept(macs_before, macs_keys()), 0u);
}

TEST_F(Keys, ChangeWithLossModelNoiseSeedAndTargets) {
  const auto before = macs_keys();
  const auto changed = [&](auto change) {
    const auto spec = spec_;
    const auto measured = measured_;
    change();
    const auto after = macs_keys();
    spec_ = spec;
    measured_ = measured;
    return kept(before, after) == 0;
  };
  EXPECT_TRUE(changed([&] { spec_.solve.loss_model = "first_order"; }));
  EXPECT_TRUE(changed([&] { spec_.solve.noise = "paper"; }));
  EXPECT_TRUE(changed([&] { spec_.seed = 1; }));
  EXPECT_TRUE(changed([&] { measured_.scores[0].targets = 9; }));
  EXPECT_EQ(macs_keys(), before);
}

TEST_F(Keys, DoNotDependOnObjectivesBesideTheirs) {
  const auto before = macs_keys();
  spec_.solve.objectives = {"macs"};
  EXPECT_EQ(macs_keys(), before);
}

TEST(Decide, NeedsScoresAndForTimeTimings) {
  const auto layout = models::small();
  auto spec = models::spec(layout);
  const auto kind = [&](const Measured& measured) {
    try {
      decide(layout, spec, measured);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind({}), ErrorKind::input);
  spec.solve.objectives = {"time"};
  EXPECT_EQ(kind(models::scores(layout)), ErrorKind::config);
}

TEST(Decide, OpsWithoutARealKernelStayHighInTime) {
  const auto layout = models::llama();
  auto spec = models::spec(layout);
  spec.solve.objectives = {"time"};
  auto measured = models::scores(layout);
  measured.times = models::times(layout);
  const auto decision = decide(layout, spec, measured);
  bool any_low = false;
  for (const auto& [point, plans] : solve_all(layout, spec, decision))
    for (const auto& assignment : plans.assignments)
      for (std::size_t op = 0; op < assignment.size(); ++op) {
        const auto& real = layout.real_formats[op];
        EXPECT_NE(std::find(real.begin(), real.end(), assignment[op]), real.end());
        any_low = any_low || assignment[op] != high_format;
      }
  EXPECT_TRUE(any_low);
}

TEST(GainTables, HoldOneRowAConfiguration) {
  const auto layout = models::small();
  const auto spec = models::spec(layout);
  const auto tables = gain_tables(layout, spec, decide(layout, spec, models::scores(layout)));
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_EQ(tables[0].path, "gains/macs");
  EXPECT_EQ(tables[1].path, "gains/memory");
  EXPECT_EQ(tables[2].path, "objectives");
  EXPECT_EQ(texts(tables[2].fields, "objective"), (std::vector<std::string>{"macs", "memory"}));
  EXPECT_EQ(reals(tables[2].fields, "whole"), (std::vector<double>{6000, 1200}));
  EXPECT_EQ(texts(tables[1].fields, "formats"),
            (std::vector<std::string>{"bf16,bf16", "bf16,int8", "int8,bf16", "int8,int8",
                                      "bf16,bf16", "int8,int8", "bf16", "int8"}));
  EXPECT_EQ(integers(tables[1].fields, "subgraph"),
            (std::vector<std::int64_t>{0, 0, 0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(find(tables[1].fields, "gain").units, "byte");
}

}  // namespace
}  // namespace gainsweep::pipeline

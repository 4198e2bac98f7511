#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "archive/field.hpp"
#include "world.hpp"

/// Which rounds contests call for, and what their tables say. Records are made up.
namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::texts;
using batch::Call;
using models::anchoring, models::observing, models::of, models::Place, models::planning_,
    models::samples, models::scoring, models::subject, models::timing_, models::World;

TEST(Timing, AddsRoundsUntilTheRuleIsMet) {
  World world(subject());
  world.finish(observing);
  EXPECT_EQ(world.call(timing_).units.size(), 3u);
  EXPECT_EQ(world.call(timing_).may_come, 3 * 3u)
      << "6 repetitions are 3 rounds of 2, and one more may follow";
  world.noisy = true;
  EXPECT_EQ(world.finish(timing_), 3 * 4u);
  EXPECT_EQ(world.call(timing_).may_come, 0u);
}

std::vector<std::string> missing_labels(const World& world, Place place) {
  std::vector<std::string> labels;
  for (const auto& unit : world.call(place).units)
    if (!world.results.is_over(unit.key)) labels.push_back(unit.label);
  return labels;
}

TEST(Timing, GoesOnceMoreBehindAllOthersWherePrecisionIsMissed) {
  World world(subject());
  world.noisy = true;
  world.finish(observing);
  // The first contest is at its most repetitions while the others have not begun.
  for (int round = 0; round < 3; ++round) world.finish(world.call(timing_).units[round], timing_);
  auto call = world.call(timing_);
  EXPECT_EQ(call.units.size(), 3 + 1 + 1u) << "no further round of the first yet";
  EXPECT_EQ(call.may_come, 1 + 3 + 3u) << "but it may come";
  world.noisy = false;  // the others are precise at once
  for (const auto& unit : {call.units[3], call.units[4]}) world.finish(unit, timing_);
  ASSERT_EQ(missing_labels(world, timing_).size(), 1u);
  EXPECT_TRUE(missing_labels(world, timing_)[0].ends_with("{a,b}, round 3"));
  EXPECT_EQ(world.call(timing_).may_come, 0u);
  EXPECT_TRUE(world.call(planning_).is_forecast) << "gains wait for it";
  EXPECT_EQ(world.finish(timing_), 1u) << "once, whatever it finds";
}

TEST(Timing, GoesNoFurtherThanItsBudget) {
  auto about = subject();
  about.spec.latency.rule.budget_seconds = 15;  // 6 blocks of the first contest take 20 s or more
  World world(about);
  world.noisy = true;
  world.finish(observing);
  world.finish(timing_);
  for (const auto& unit : world.call(timing_).units)
    EXPECT_FALSE(unit.table == "latency/class_0" && unit.order >= 3) << unit.label;
}

TEST(Timing, IsNotAskedForWithoutTheObjective) {
  auto about = subject();
  about.spec.solve.objectives = {"macs"};
  about.timing_targets.clear();
  World world(about);
  world.finish_all();
  EXPECT_TRUE(world.call(timing_).units.empty());
  EXPECT_EQ(world.experiment.stages[timing_].cost({}, 0), 0);
  for (const auto& table : batch::tables(world.experiment, world.results)) {
    EXPECT_EQ(table.path.find("latency"), std::string::npos) << table.path;
    EXPECT_NE(table.path, "contests");
    EXPECT_NE(table.path, "timed_configurations");
  }
}

const archive::Table& table_of(const std::vector<archive::Table>& tables, const char* path) {
  return *std::find_if(tables.begin(), tables.end(),
                       [&](const auto& table) { return table.path == path; });
}

TEST(Contests, SayHowPreciseTheyAre) {
  World world(subject());
  world.finish_all();
  EXPECT_TRUE(world.experiment.remarks(world.results).empty());
  auto tables = batch::tables(world.experiment, world.results);
  const auto& quiet = table_of(tables, "contests");
  const auto precise = integers(quiet.fields, "is_precise");
  EXPECT_EQ(std::count(precise.begin(), precise.end(), 0), 0);
  const auto& marks = integers(quiet.fields, "is_quietest");
  EXPECT_EQ(std::count(marks.begin(), marks.end(), 1), 1);
  const auto& keys = texts(quiet.fields, "assignment_key");
  EXPECT_TRUE(keys[0].empty()) << "sub-graphs come first";
  EXPECT_FALSE(keys.back().empty()) << "evaluated plans are contests too";
  EXPECT_EQ(archive::reals(quiet.fields, "baseline")[0], 1);

  World noisy(subject());
  noisy.noisy = true;
  noisy.finish_all();
  tables = batch::tables(noisy.experiment, noisy.results);
  const auto& found = table_of(tables, "contests");
  for (const auto mark : integers(found.fields, "is_precise")) EXPECT_EQ(mark, 0);
  for (const auto blocks : integers(found.fields, "blocks")) EXPECT_EQ(blocks, 8) << "one more";
  ASSERT_EQ(noisy.experiment.remarks(noisy.results).size(), 1u);
  const auto remark = noisy.experiment.remarks(noisy.results)[0];
  EXPECT_TRUE(remark.starts_with("times are less precise than the 2 % of a run")) << remark;
}

TEST(Contests, SayWhereTheCardWasHeldBack) {
  World world(subject());
  world.hot = true;
  world.finish_all();
  const auto remarks = world.experiment.remarks(world.results);
  ASSERT_EQ(remarks.size(), 1u);
  const auto tables = batch::tables(world.experiment, world.results);
  const auto& contests = table_of(tables, "contests");
  std::int64_t blocks = 0;
  for (std::size_t i = 0; i < contests.fields.front().shape.at(0); ++i) {
    const bool is_plan = !texts(contests.fields, "assignment_key")[i].empty();
    const auto all = integers(contests.fields, "blocks")[i];
    EXPECT_EQ(integers(contests.fields, "held_back")[i], is_plan ? 0 : all);
    blocks += is_plan ? 0 : all;
  }
  const auto count = std::to_string(blocks);
  EXPECT_TRUE(remarks[0].starts_with("the card was held back around " + count + " of " + count +
                                     " blocks of times (sw_power_cap)"))
      << remarks[0];

  World told_nothing(subject());
  told_nothing.finish_all();
  const auto others = batch::tables(told_nothing.experiment, told_nothing.results);
  EXPECT_FALSE(archive::has(table_of(others, "contests").fields, "held_back"));
}

TEST(Savings, AreThoseOfEveryTimedPlan) {
  World world(subject());
  world.finish_all();
  const auto tables = batch::tables(world.experiment, world.results);
  const auto& savings = table_of(tables, "savings");
  const auto& keys = texts(savings.fields, "assignment_key");
  const std::set<std::string> known(keys.begin(), keys.end());
  EXPECT_EQ(known.size(), keys.size());
  for (const auto& table : tables) {
    if (!table.path.starts_with("plans/")) continue;
    const bool all = table.path.starts_with("plans/time/");
    const auto& field = archive::find(table.fields, "assignment_key");
    const auto draws = field.shape.at(1);
    const auto& plans = texts(table.fields, "assignment_key");
    for (std::size_t i = 0; i < plans.size(); ++i)
      EXPECT_TRUE((!all && i % draws > 0) || known.count(plans[i])) << table.path << " " << i;
  }
}

TEST(Timing, IsOfOneHost) {
  World world(subject());
  world.noisy = true;
  world.finish(observing);
  world.finish(anchoring);
  world.finish(timing_);
  // The last round of the first class is missing, and the run goes on elsewhere.
  const auto first = world.call(timing_).units;
  world.results.forget(first[2].key);
  auto moved = subject();
  moved.host = "node2";
  World elsewhere(moved);
  elsewhere.results = world.results;
  elsewhere.noisy = true;
  elsewhere.host = "node2";
  EXPECT_EQ(elsewhere.finish(timing_), 4u) << "the unfinished contest from its start, no other";
  const auto rounds = elsewhere.call(timing_).units;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(texts(elsewhere.results.find(rounds[i].key)->fields, "host").at(0), "node2");
    EXPECT_EQ(rounds[i].order, i);
  }
  for (std::size_t i = 4; i < rounds.size(); ++i) EXPECT_EQ(rounds[i].key, first[i].key);
  // Back on the first node the contest that was finished elsewhere stands.
  World back(subject());
  back.results = elsewhere.results;
  EXPECT_EQ(back.num_missing(timing_), 0u);
}

}  // namespace
}  // namespace gainsweep::pipeline

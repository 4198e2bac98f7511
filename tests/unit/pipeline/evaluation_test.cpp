#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "pipeline/evaluation.hpp"
#include "world.hpp"

/// Which units evaluations of plans call for. Records are made up.
namespace gainsweep::pipeline {
namespace {

using models::anchoring, models::observing, models::planning_, models::samples, models::scoring,
    models::subject, models::timing_, models::World;

TEST(Evaluation, AsksForWhatDeterministicObjectivesLeadToFirst) {
  World world(subject());
  world.finish_all();
  bool measured = false;
  for (const auto& unit : world.call(planning_).units) {
    if (unit.table != "evaluations/losses") continue;
    EXPECT_TRUE(unit.nature == archive::Nature::measured || !measured);
    measured = measured || unit.nature == archive::Nature::measured;
  }
}

TEST(Evaluation, IsExpectedWhilePlansAreMissing) {
  World world(subject());
  world.finish(observing);
  world.finish(scoring);
  world.finish(anchoring);
  world.finish(timing_);
  // 3 thresholds of ip for 2 objectives, each with its losses and at most 4 rounds of times; three
  // plans once more at the next scales.
  EXPECT_EQ(world.call(planning_).may_come, 3 * 2 * (1 + 4u) + 3);
  for (const auto& unit : world.call(planning_).units)
    if (unit.table == "plans/macs/ip") world.fail(unit, planning_);
  world.finish(planning_);
  EXPECT_EQ(world.call(planning_).may_come, 0u);
  EXPECT_TRUE(world.call(planning_).obstacles.empty()) << "the failures say it";
}

TEST(Evaluation, MeasuresTheArithmeticFloorOfFewPlans) {
  World world(subject());
  world.finish_all();
  std::set<std::string> measured;
  std::size_t floors = 0;
  for (const auto& unit : world.call(planning_).units) {
    if (unit.table == "evaluations/losses") measured.insert(unit.label);
    if (unit.table != "evaluations/floor") continue;
    ++floors;
    EXPECT_EQ(unit.nature, archive::Nature::deterministic) << "macs leads to plans";
    const auto end = unit.label.find(" at the next scales");
    ASSERT_NE(end, std::string::npos);
    EXPECT_TRUE(measured.contains(unit.label.substr(0, end))) << unit.label;
  }
  EXPECT_GE(floors, 1u);
  EXPECT_LE(floors, 3u);

  auto about = subject();
  about.layout.formats[1].activation->scale = format::ScaleRule::dynamic_max;
  about.spec.formats.formats = about.layout.formats;
  World dynamic(about);
  dynamic.finish_all();
  for (const auto& unit : dynamic.call(planning_).units) EXPECT_NE(unit.table, "evaluations/floor");
}

TEST(Evaluation, TakesPlansOfTheLeastMiddleAndLargestLossErrorForTheFloor) {
  const auto about = subject();
  const auto& layout = about.layout;
  sensitivity::LossErrors errors;
  for (std::size_t op = 0; op < layout.partition.ops.size(); ++op)
    errors.d.push_back({0, static_cast<double>(1 << op)});
  const auto lowered = [&](std::set<std::size_t> ops, archive::Nature nature) {
    graph::Assignment assignment(layout.partition.ops.size());
    for (const auto op : ops) assignment[op] = FormatId{1};
    return Evaluated{assignment, nature};
  };
  constexpr auto own = archive::Nature::deterministic, timed = archive::Nature::measured;
  const std::vector plans{lowered({}, own),     lowered({2}, own),    lowered({0}, own),
                          lowered({0, 3}, own), lowered({1, 2}, own), lowered({0, 1}, own),
                          lowered({4}, timed)};
  EXPECT_EQ(floor_places(layout, errors, plans), (std::vector<std::size_t>{1, 2, 3}));
  const std::vector two{lowered({}, own), lowered({2}, timed), lowered({0}, timed)};
  EXPECT_EQ(floor_places(layout, errors, two), (std::vector<std::size_t>{1, 2}));
  EXPECT_TRUE(floor_places(layout, errors, {lowered({}, own)}).empty());
}

TEST(Evaluation, TimesPlansOnceMoreBehindAllOthers) {
  World world(subject());
  world.noisy = true;
  world.finish_all();
  std::map<std::string, std::vector<std::size_t>> rounds;  // places among the units, by plan
  const auto units = world.call(planning_).units;
  for (std::size_t i = 0; i < units.size(); ++i)
    if (units[i].table == "evaluations/times")
      rounds[units[i].label.substr(0, units[i].label.find(','))].push_back(i);
  ASSERT_GT(rounds.size(), 1u);
  for (const auto& [plan, places] : rounds) EXPECT_EQ(places.size(), 4u) << plan;
  EXPECT_EQ(world.call(planning_).may_come, 0u);
}

TEST(Evaluation, IsLeftOutWhereItIsNotAskedFor) {
  auto about = subject();
  about.evaluation = samples("", 0);
  World world(about);
  world.finish_all();
  for (const auto& unit : world.call(planning_).units)
    EXPECT_FALSE(unit.table.starts_with("evaluations/")) << unit.label;
  EXPECT_FALSE(world.call(planning_).is_forecast);

  about = subject();
  about.spec.evaluate.strategies.clear();
  World unasked(about);
  EXPECT_EQ(unasked.call(planning_).may_come, 0u);
  unasked.finish_all();
  for (const auto& unit : unasked.call(planning_).units)
    EXPECT_FALSE(unit.table.starts_with("evaluations/")) << "all-high alone tells nobody anything";
}

// Of so many items of two requests, each a pack of its own.
Task task(const std::string& name, std::size_t num_items) {
  archive::Items items;
  items.requests.offset = {0};
  for (std::int64_t request = 0; request < static_cast<std::int64_t>(2 * num_items); ++request) {
    for (const auto token : {request, request + 1, std::int64_t{1}}) items.tokens.push_back(token);
    items.requests.offset.push_back(3 * (request + 1));
    items.requests.item.push_back(request / 2);
    items.requests.start.push_back(1);
  }
  items.items.requests.assign(num_items, 2);
  items.items.label.assign(num_items, 0);
  return make_task({name, 0, name}, std::make_shared<const archive::Items>(std::move(items)), false,
                   model::Model());
}

TEST(Evaluation, AsksTasksOfTheSamePlansInTheSameOrder) {
  auto about = subject();
  about.tasks = {task("one", 3), task("other", 130)};
  ASSERT_EQ(about.tasks[0].chunks.size(), 1u);
  ASSERT_EQ(about.tasks[1].chunks.size(), 3u) << "64 items each";
  EXPECT_EQ(about.tasks[1].chunks[2].first, 256u);
  EXPECT_EQ(about.tasks[1].chunks[2].size, 4u);
  EXPECT_EQ(about.tasks[1].longest_chunk(), 128u);
  World world(about);
  for (const auto place : {observing, scoring, anchoring, timing_}) world.finish(place);
  // As IsExpectedWhilePlansAreMissing, with four units of answers a plan.
  EXPECT_EQ(world.call(planning_).may_come, 3 * 2 * (1 + 4 + 4u) + 3);
  world.finish_all();
  std::map<std::string, std::map<std::uint64_t, std::string>> labels;  // by table
  std::set<std::string> keys;
  for (const auto& unit : world.call(planning_).units) {
    EXPECT_TRUE(keys.insert(unit.key).second);
    if (unit.table.starts_with("evaluations/tasks/") || unit.table == "evaluations/losses")
      labels[unit.table][unit.order] = unit.label;
  }
  const auto& losses = labels["evaluations/losses"];
  ASSERT_EQ(labels.size(), 3u);
  ASSERT_EQ(labels["evaluations/tasks/one"].size(), losses.size());
  ASSERT_EQ(labels["evaluations/tasks/other"].size(), 3 * losses.size());
  const auto plan = [](const std::string& label) { return label.substr(label.find("plan "), 13); };
  for (const auto& [order, label] : losses) {
    EXPECT_EQ(plan(labels["evaluations/tasks/one"].at(order)), plan(label));
    const auto& last = labels["evaluations/tasks/other"].at(3 * order + 2);
    EXPECT_EQ(plan(last), plan(label));
    EXPECT_TRUE(last.ends_with(" to other from item 128")) << last;
  }
}

TEST(Evaluation, NamesKinByWhatPlansBeginWith) {
  World world(subject());
  world.finish_all();
  std::set<std::string> kin;
  for (const auto& unit : world.call(planning_).units) {
    if (!unit.table.starts_with("evaluations/")) {
      EXPECT_TRUE(unit.kin.empty()) << unit.label;
    }
    if (unit.table != "evaluations/losses") continue;
    EXPECT_TRUE(kin.insert(unit.kin).second) << "each plan is another";
  }
  EXPECT_GT(kin.size(), 1u);
  EXPECT_TRUE(kin.begin()->ends_with(":aaaaa")) << "all-high comes first";
  for (const auto& unit : world.call(anchoring).units)
    EXPECT_TRUE(unit.kin.starts_with("anchors "));
}

}  // namespace
}  // namespace gainsweep::pipeline

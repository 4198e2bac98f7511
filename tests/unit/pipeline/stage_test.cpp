#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "archive/field.hpp"
#include "pipeline/evaluation.hpp"
#include "world.hpp"

/// What units stages call for, by what is known. No model and no files: records are made up.
namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::texts;
using batch::Call;
using models::anchoring, models::observing, models::planning_, models::scoring, models::timing_,
    models::Place;
using models::of, models::samples, models::subject, models::World;

std::vector<std::string> keys(const Call& call) {
  std::vector<std::string> keys;
  for (const auto& unit : call.units) keys.push_back(unit.key);
  return keys;
}

std::size_t num_missing(const World& world, Place place) {
  const auto call = world.call(place);
  return static_cast<std::size_t>(
      std::count_if(call.units.begin(), call.units.end(),
                    [&](const auto& unit) { return !world.results.is_over(unit.key); }));
}

TEST(Stages, BuildOnEachOther) {
  World world(subject());
  EXPECT_EQ(world.call(observing).units.size(), 3u) << "two samples and the weights";
  EXPECT_TRUE(world.call(scoring).is_forecast);
  EXPECT_TRUE(world.call(planning_).is_forecast);
  EXPECT_EQ(world.finish(observing), 3u);
  EXPECT_FALSE(world.call(scoring).is_forecast);
  EXPECT_EQ(world.finish(scoring), 3u);
  EXPECT_EQ(world.finish(anchoring), 3u) << "all samples, of which there are fewer than asked for";
  EXPECT_TRUE(world.call(planning_).is_forecast) << "times are missing";
  EXPECT_EQ(world.finish(timing_), 3u) << "three classes, one round each";
  EXPECT_FALSE(world.call(planning_).is_forecast);
  EXPECT_EQ(num_missing(world, planning_), 2 * 3 * 3 + 2 + 1u) << "plans, frontiers, all-high";
  EXPECT_GT(world.finish(planning_), 2 * 3 * 3 + 2 + 2u);
}

TEST(Stages, CallForNothingMoreWhereAllIsThere) {
  World world(subject());
  world.finish_all();
  // As the next run finds it: another experiment, the same results.
  const auto again = of(subject());
  for (const auto& stage : again.stages) {
    const auto call = stage.call(world.results);
    EXPECT_FALSE(call.is_forecast);
    EXPECT_EQ(call.may_come, 0u) << stage.name;
    for (const auto& unit : call.units) EXPECT_TRUE(world.results.is_over(unit.key)) << unit.label;
  }
}

TEST(Stages, NameEachUnitOnceAndPlaceItOnce) {
  World world(subject());
  world.noisy = true;
  world.finish_all();
  std::set<std::string> seen;
  std::set<std::tuple<std::string, archive::Nature, std::uint64_t>> places;
  for (const auto place : {observing, scoring, anchoring, timing_, planning_})
    for (const auto& unit : world.call(place).units) {
      EXPECT_TRUE(seen.insert(unit.key).second) << unit.label;
      EXPECT_TRUE(places.emplace(unit.table, unit.nature, unit.order).second) << unit.label;
    }
}

// What points of a sweep share is told before anything is known.
TEST(Stages, ForecastsAreEqualWhereUnitsWillBe) {
  const auto forecast = [](Subject about, Place place) {
    return keys(of(std::move(about)).stages[place].call({}));
  };
  auto thresholds = subject(), formats = subject(), longer = subject();
  thresholds.spec.solve.thresholds = {0.5};
  formats.layout.formats[1].activation_backoff = 0.5;
  formats.spec.formats.formats = formats.layout.formats;
  longer.calibration = samples("calibration", 5);
  EXPECT_EQ(forecast(thresholds, scoring), forecast(subject(), scoring));
  EXPECT_NE(forecast(formats, scoring), forecast(subject(), scoring));
  EXPECT_EQ(forecast(formats, observing), forecast(subject(), observing));
  auto first = forecast(longer, scoring);
  first.resize(3);
  EXPECT_EQ(first, forecast(subject(), scoring));
  EXPECT_NE(forecast(longer, planning_), forecast(subject(), planning_));
  EXPECT_EQ(forecast(subject(), planning_), forecast(subject(), planning_));
}

TEST(Stages, DynamicScalesNeedNoSampleObserved) {
  auto about = subject();
  about.layout.formats[1].activation_scale = format::ScaleRule::dynamic_max;
  about.spec.formats.formats = about.layout.formats;
  World world(about);
  ASSERT_EQ(world.call(observing).units.size(), 1u);
  EXPECT_EQ(world.call(observing).units[0].table, "weight_maxima");
  EXPECT_FALSE(world.call(scoring).is_forecast);
}

TEST(Stages, AFailedObservationLeavesOutWhatNeedsIt) {
  World world(subject());
  world.fail(world.call(observing).units[1], observing);
  world.finish(observing);
  for (const auto place : {scoring, anchoring, timing_, planning_}) {
    const auto call = world.call(place);
    EXPECT_TRUE(call.is_forecast) << place;
    ASSERT_EQ(call.obstacles.size(), 1u) << place;
    EXPECT_NE(call.obstacles[0].find("the largest magnitudes of sample 1 failed"),
              std::string::npos);
  }
}

TEST(Stages, PlansStandOnTheSamplesThatWereScored) {
  World world(subject());
  world.finish(observing);
  world.fail(world.call(scoring).units[1], scoring);
  world.finish(scoring);
  world.finish(anchoring);
  world.finish(timing_);
  world.finish(planning_);
  const auto* plan = world.results.find(world.call(planning_).units[0].key);
  EXPECT_EQ(integers(plan->fields, "num_samples").at(0), 2);
}

TEST(Stages, NothingIsPlannedWithoutScores) {
  World world(subject());
  world.finish(observing);
  for (const auto& unit : world.call(scoring).units) world.fail(unit, scoring);
  world.finish(anchoring);
  world.finish(timing_);
  const auto call = world.call(planning_);
  EXPECT_TRUE(call.is_forecast);
  ASSERT_EQ(call.obstacles.size(), 1u);
  EXPECT_NE(call.obstacles[0].find("no calibration sample was scored"), std::string::npos);
}

TEST(Anchors, AreOfTheFirstSamplesThatWereScored) {
  auto about = subject();
  about.spec.sensitivity.anchor_samples = 2;
  World world(about);
  EXPECT_TRUE(world.call(anchoring).is_forecast);
  EXPECT_EQ(world.call(anchoring).units.size(), 2u);
  world.finish(observing);
  EXPECT_TRUE(world.call(anchoring).is_forecast);
  world.fail(world.call(scoring).units[1], scoring);
  world.finish(scoring);
  EXPECT_EQ(world.finish(anchoring), 1u);
  world.finish(timing_);
  EXPECT_GT(world.finish(planning_), 0u);
}

TEST(Anchors, AreOfAllSamplesWherePredictionsShowNothing) {
  auto about = subject();
  about.spec.sensitivity.anchor_samples = 2;
  about.gives_class_scores = false;
  EXPECT_EQ(World(about).call(anchoring).units.size(), 3u);
  about.spec.sensitivity.anchor_samples = 0;
  EXPECT_TRUE(World(about).call(anchoring).units.empty());
}

TEST(Anchors, ThatAllFailLeaveTheBias) {
  auto about = subject();
  about.spec.solve.loss_model = "anchored";
  World world(about);
  world.finish(observing);
  world.finish(scoring);
  for (const auto& unit : world.call(anchoring).units) world.fail(unit, anchoring);
  ASSERT_EQ(world.call(anchoring).obstacles.size(), 1u);
  EXPECT_NE(world.call(anchoring).obstacles[0].find("counts as bias does"), std::string::npos);
  world.finish(timing_);
  world.finish(planning_);
  World biased(subject());
  biased.finish_all();
  const auto budget = [](const World& of) {
    return archive::reals(of.results.find(of.call(planning_).units[0].key)->fields, "budget").at(0);
  };
  EXPECT_EQ(budget(world), budget(biased));
}

TEST(Anchors, DecideTheBudget) {
  auto about = subject();
  about.spec.solve.loss_model = "anchored";
  World world(about);
  world.finish_all();
  const auto tables = batch::tables(world.experiment, world.results);
  const auto fields = [&](const std::string& path) -> const std::vector<archive::Field>& {
    return std::find_if(tables.begin(), tables.end(),
                        [&](const auto& table) { return table.path == path; })
        ->fields;
  };
  const auto& noises = texts(fields("bias_rates"), "noise");
  const auto place = std::find(noises.begin(), noises.end(), "empirical") - noises.begin();
  const double rate = archive::reals(fields("bias_rates"), "bias_rate").at(place);
  const auto& plans = fields("plans/macs/ip");
  for (std::size_t row = 0; row < 3; ++row) {
    const double sum = archive::reals(plans, "loss_error").at(row);
    const double square = sum + rate * sum * rate * sum;
    EXPECT_NEAR(archive::reals(plans, "predicted_mse").at(row), square, 1e-12 * square);
    EXPECT_LE(archive::reals(plans, "predicted_low").at(row),
              archive::reals(plans, "predicted_high").at(row));
  }
}

TEST(Stages, AClassThatCannotBeTimedStaysHighInTime) {
  World world(subject());
  world.finish(observing);
  world.finish(scoring);
  world.fail(world.call(timing_).units[0], timing_);
  world.finish(anchoring);
  world.finish(timing_);
  EXPECT_FALSE(world.call(planning_).is_forecast);
}

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
  EXPECT_EQ(world.experiment.stages[timing_].cost({}, 0).seconds, 0);
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
  EXPECT_EQ(num_missing(back, timing_), 0u);
}

TEST(Planning, DecidesOnceForAllItsPlans) {
  World world(subject());
  world.finish(observing);
  world.finish(scoring);
  world.finish(anchoring);
  world.finish(timing_);
  const auto plans = [&] {
    auto call = world.call(planning_);
    std::erase_if(call.units,
                  [](const auto& unit) { return unit.table.starts_with("evaluations/"); });
    return keys(call);
  };
  const auto before = plans();
  world.finish(planning_);
  EXPECT_EQ(plans(), before) << "plans change no decision";
}

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
  about.layout.formats[1].activation_scale = format::ScaleRule::dynamic_max;
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
}

TEST(Experiment, MakesTheTablesOfAPoint) {
  World world(subject());
  world.finish_all();
  std::set<std::string> paths;
  for (const auto& table : batch::tables(world.experiment, world.results)) paths.insert(table.path);
  for (const char* path : {"ops",
                           "operands",
                           "subgraphs",
                           "formats",
                           "timed_configurations",
                           "gains/time",
                           "gains/macs",
                           "maxima",
                           "weight_maxima",
                           "scales",
                           "scores",
                           "anchors",
                           "latency/class_0",
                           "plans/time/ip",
                           "plans/macs/random",
                           "frontier/macs",
                           "frontier/time",
                           "evaluations/losses",
                           "evaluations/floor",
                           "evaluations/times",
                           "objectives",
                           "loss_errors",
                           "mean_changes",
                           "bias_rates",
                           "predictions",
                           "contests",
                           "savings"})
    EXPECT_TRUE(paths.count(path)) << path;
}

}  // namespace
}  // namespace gainsweep::pipeline

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "archive/field.hpp"
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
  EXPECT_EQ(world.num_missing(planning_), 2 * 3 * 3 + 2 + 1u) << "plans, frontiers, all-high";
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
  formats.layout.formats[1].activation->backoff = 0.5;
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
  about.layout.formats[1].activation->scale = format::ScaleRule::dynamic_max;
  about.spec.formats.formats = about.layout.formats;
  World world(about);
  ASSERT_EQ(world.call(observing).units.size(), 1u);
  EXPECT_EQ(world.call(observing).units[0].table, "weight_maxima");
  EXPECT_TRUE(world.call(scoring).is_forecast);
  world.finish(observing);
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

TEST(Stages, AFailedLookAtTheWeightsLeavesOutWhatNeedsTheirScales) {
  World world(subject());
  world.fail(world.call(observing).units.back(), observing);
  world.finish(observing);
  for (const auto place : {scoring, planning_}) {
    const auto call = world.call(place);
    EXPECT_TRUE(call.is_forecast) << place;
    ASSERT_EQ(call.obstacles.size(), 1u) << place;
    EXPECT_NE(call.obstacles[0].find("of the weights were not found"), std::string::npos);
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

#include <gtest/gtest.h>

#include <cmath>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "models.hpp"
#include "pipeline/anchor.hpp"
#include "pipeline/card_states.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/scales.hpp"
#include "pipeline/score.hpp"
#include "unit/throws.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

// As the archive stores it: stacked to a table and cut out again.
archive::Record stored(batch::Fields fields) {
  const auto record = batch::record({std::string(64, 'a'), "table", "a unit"}, std::move(fields));
  const auto tables = archive::stack({record});
  EXPECT_EQ(tables.size(), 1u);
  return archive::row(tables.at(0), 0);
}

TEST(Record, MaximaComeBack) {
  const auto ops = models::small().partition.ops;
  lower::Maxima maxima;
  for (std::size_t op = 0; op < ops.size(); ++op)
    maxima.push_back({0.1F + static_cast<float>(op) / 3, 0});
  const auto record = stored(to_fields(7, maxima, ops));
  EXPECT_EQ(to_maxima(record, ops), maxima);
  EXPECT_EQ(integers(record.fields, "sample"), std::vector<std::int64_t>{7});
}

TEST(Record, WeightsEnterByTheirLargestRow) {
  const auto ops = models::small().partition.ops;
  std::vector<std::vector<double>> rows;
  for (std::size_t op = 0; op < ops.size(); ++op)
    rows.push_back({0.25, 1.0 + static_cast<double>(op), 0.5});
  const auto record = stored(to_fields(rows, ops));
  lower::Maxima none, observed;
  for (const auto& op : ops) observed.emplace_back(op.operands.size(), 9.0F);
  for (auto& of_op : observed) of_op.back() = 0;
  add_weights(none, record.fields, ops);
  add_weights(observed, record.fields, ops);
  for (std::size_t op = 0; op < ops.size(); ++op) {
    const auto largest = 1.0F + static_cast<float>(op);
    EXPECT_EQ(none[op], (std::vector<float>{0, largest}));
    EXPECT_EQ(observed[op], (std::vector<float>{9, largest}));
  }
}

TEST(Record, ScoresComeBack) {
  const auto layout = models::llama();
  const auto& ops = layout.partition.ops;
  const auto score = models::scores(layout).scores.at(1);
  const auto record = stored(to_fields(7, score, ops, 2));
  const auto read = to_score(record, ops, 2);
  EXPECT_EQ(read.loss, score.loss);
  EXPECT_EQ(read.targets, score.targets);
  ASSERT_EQ(read.operands.size(), score.operands.size());
  for (std::size_t op = 0; op < ops.size(); ++op) {
    ASSERT_EQ(read.operands[op].size(), score.operands[op].size());
    for (std::size_t k = 0; k < score.operands[op].size(); ++k) {
      EXPECT_EQ(read.operands[op][k].sensitivity, score.operands[op][k].sensitivity);
      EXPECT_EQ(read.operands[op][k].signed_error, score.operands[op][k].signed_error);
      EXPECT_EQ(read.operands[op][k].square_error, score.operands[op][k].square_error);
      EXPECT_EQ(read.operands[op][k].step_norm, score.operands[op][k].step_norm);
    }
  }
}

TEST(Record, ScoresOfOtherFormatsOrOpsAreRefused) {
  const auto layout = models::small();
  const auto& ops = layout.partition.ops;
  const auto record = stored(to_fields(0, models::scores(layout).scores[0], ops, 1));
  EXPECT_ERROR(to_score(record, ops, 2), ErrorKind::input, "2 low formats");
  EXPECT_ERROR(to_score(record, std::vector(ops.begin(), ops.end() - 1), 1), ErrorKind::input,
               "where the ops have 8 operands");
}

TEST(Record, TimingsComeBack) {
  const archive::Axes block{{"block", 2}, {"configuration", 3}};
  const auto timings =
      to_timings(stored({reals("seconds", {1, 2, 3, 4, 5, 6}, block, "s", "Times"),
                         integers("order", {2, 0, 1, 0, 1, 2}, block, "1", "Order")}));
  EXPECT_EQ(timings.seconds, (std::vector<std::vector<double>>{{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(timings.order, (std::vector<std::vector<std::int64_t>>{{2, 0, 1}, {0, 1, 2}}));
}

TEST(Record, StatesOfTheCardComeBack) {
  const execute::CardState idle{1.98e9, 90, 45, {"gpu_idle"}, {}};
  const execute::CardState slow{
      1.4e9, 700, 61, {"gpu_idle", "sw_power_cap", "hw_slowdown"}, {"sw_power_cap", "hw_slowdown"}};
  const auto read = card_states(stored(card_fields({{idle, slow}, {idle, {}}})).fields);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].before.clock_hz, 1.98e9);
  EXPECT_EQ(read[0].after.power_watts, 700);
  EXPECT_EQ(read[0].after.temperature_celsius, 61);
  EXPECT_EQ(read[0].after.clock_reasons, slow.clock_reasons);
  EXPECT_EQ(read[0].after.held_back_by, slow.held_back_by);
  EXPECT_TRUE(read[0].is_held_back());
  EXPECT_FALSE(read[1].is_held_back());
  EXPECT_TRUE(std::isnan(read[1].after.clock_hz)) << "nobody told";
  EXPECT_TRUE(read[1].after.clock_reasons.empty());
  EXPECT_TRUE(card_fields({}).empty()) << "devices of which nobody tells store nothing";
  EXPECT_TRUE(card_states({}).empty());
}

TEST(Record, AnchorsComeBack) {
  sensitivity::AnchorRecord anchors{
      2.5, execute::Confidence{2, 4}, {{0.1, {0.2, 0.3}}, {-0.4, {0.5, -0.6}}}};
  auto read = to_anchors(stored(to_fields(3, anchors)), 2);
  EXPECT_EQ(read.loss, 2.5);
  ASSERT_TRUE(read.confidence);
  EXPECT_EQ(read.confidence->spread, 4);
  EXPECT_EQ(read.shifts[1].loss_change, -0.4);
  EXPECT_EQ(read.shifts[1].departure.tilt, -0.6);
  EXPECT_ERROR(to_anchors(stored(to_fields(3, anchors)), 3), ErrorKind::input,
               "anchors of 2 low formats where the spec has 3");
  anchors.confidence.reset();  // a model without class scores
  read = to_anchors(stored(to_fields(3, anchors)), 2);
  EXPECT_FALSE(read.confidence);
  EXPECT_EQ(read.shifts[0].loss_change, 0.1);
}

TEST(Record, PlansComeBack) {
  Plans plans;
  plans.threshold = 0.01;
  plans.budget = 3e-5;
  plans.assignments = {{{0}, {1}, {2}}, {{2}, {2}, {0}}};
  plans.gains = {-4, 17};
  plans.loss_errors = {1e-6, 2e-5};
  plans.predicted_mse = {1.5e-6, 3e-5};
  plans.biases = {-1e-3, 2e-3};
  plans.lows = {1e-4, 2e-4};
  plans.highs = {2e-4, 5e-4};
  plans.assignment_keys = {"k1", "k2"};
  plans.certificate.relative_gap = 1e-9;
  plans.certificate.nodes = 12;
  plans.certificate.proved = false;
  plans.num_samples = 63;
  const auto spec = models::spec(models::small());
  const auto read = to_plans(stored(to_fields(plans, spec, {0, "ip", 0.01})));
  EXPECT_EQ(read.threshold, plans.threshold);
  EXPECT_EQ(read.budget, plans.budget);
  EXPECT_EQ(read.assignments, plans.assignments);
  EXPECT_EQ(read.gains, plans.gains);
  EXPECT_EQ(read.loss_errors, plans.loss_errors);
  EXPECT_EQ(read.predicted_mse, plans.predicted_mse);
  EXPECT_EQ(read.biases, plans.biases);
  EXPECT_EQ(read.lows, plans.lows);
  EXPECT_EQ(read.highs, plans.highs);
  EXPECT_EQ(read.assignment_keys, plans.assignment_keys);
  EXPECT_EQ(read.certificate.relative_gap, plans.certificate.relative_gap);
  EXPECT_EQ(read.certificate.nodes, plans.certificate.nodes);
  EXPECT_EQ(read.certificate.proved, plans.certificate.proved);
  EXPECT_EQ(read.num_samples, plans.num_samples);
}

}  // namespace
}  // namespace gainsweep::pipeline

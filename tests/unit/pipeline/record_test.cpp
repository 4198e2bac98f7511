#include "pipeline/record.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "models.hpp"
#include "pipeline/field.hpp"

namespace gainsweep::pipeline {
namespace {

Unit unit(const std::string& table) {
  Unit unit;
  unit.table = table;
  unit.key = std::string(64, 'a');
  unit.label = "a unit";
  unit.order = 12;
  unit.index = 7;
  unit.round = 3;
  unit.nature = archive::Nature::measured;
  return unit;
}

// As the archive stores it: stacked to a table and cut out again.
archive::Record stored(const archive::Record& record) {
  const auto tables = archive::stack({record});
  EXPECT_EQ(tables.size(), 1u);
  return archive::row(tables.at(0), 0);
}

TEST(Record, CarriesItsUnit) {
  const auto record = to_record(unit("maxima"), lower::Maxima{}, {});
  EXPECT_EQ(record.table, "maxima");
  EXPECT_EQ(record.key, std::string(64, 'a'));
  EXPECT_EQ(record.order, 12u);
  EXPECT_EQ(record.nature, archive::Nature::measured);
  EXPECT_EQ(integers(record.fields, "sample"), std::vector<std::int64_t>{7});
}

TEST(Record, MaximaComeBack) {
  const auto ops = models::small().partition.ops;
  lower::Maxima maxima;
  for (std::size_t op = 0; op < ops.size(); ++op)
    maxima.push_back({0.1F + static_cast<float>(op) / 3, 0});
  EXPECT_EQ(to_maxima(stored(to_record(unit("maxima"), maxima, ops)), ops), maxima);
}

TEST(Record, ScoresComeBack) {
  const auto layout = models::llama();
  const auto& ops = layout.partition.ops;
  const auto score = models::scores(layout).scores.at(1);
  const auto record = stored(to_record(unit("scores"), score, ops, 2));
  const auto read = to_score(record, ops, 2);
  EXPECT_EQ(read.loss, score.loss);
  ASSERT_EQ(read.operands.size(), score.operands.size());
  for (std::size_t op = 0; op < ops.size(); ++op) {
    ASSERT_EQ(read.operands[op].size(), score.operands[op].size());
    for (std::size_t k = 0; k < score.operands[op].size(); ++k) {
      EXPECT_EQ(read.operands[op][k].sensitivity, score.operands[op][k].sensitivity);
      EXPECT_EQ(read.operands[op][k].signed_error, score.operands[op][k].signed_error);
      EXPECT_EQ(read.operands[op][k].step_norm, score.operands[op][k].step_norm);
    }
  }
}

TEST(Record, ScoresOfOtherFormatsOrOpsAreRefused) {
  const auto layout = models::small();
  const auto& ops = layout.partition.ops;
  const auto record = to_record(unit("scores"), models::scores(layout).scores[0], ops, 1);
  EXPECT_THROW(to_score(record, ops, 2), Error);
  EXPECT_THROW(to_score(record, {ops.begin(), ops.end() - 1}, 1), Error);
}

TEST(Record, TimingsComeBack) {
  const TimingRound round{{{{1, 2, 3}, {4, 5, 6}}, {{2, 0, 1}, {0, 1, 2}}, {9, 8}},
                          {"high x", "int8 y"}};
  const auto record = stored(to_record(unit("latency/class_0"), round));
  const auto timings = to_timings(record);
  EXPECT_EQ(timings.seconds, round.timings.seconds);
  EXPECT_EQ(timings.order, round.timings.order);
  EXPECT_EQ(integers(record.fields, "round"), std::vector<std::int64_t>{3});
  EXPECT_EQ(integers(record.fields, "warm_up_runs"), std::vector<std::int64_t>{2});
  EXPECT_EQ(reals(record.fields, "warm_up_last"), std::vector<double>{8});
  EXPECT_EQ(texts(record.fields, "kernels"), round.kernels);
}

TEST(Record, PlansComeBack) {
  Plans plans;
  plans.threshold = 0.01;
  plans.budget = 3e-5;
  plans.assignments = {{{0}, {1}, {2}}, {{2}, {2}, {0}}};
  plans.gains = {-4, 17};
  plans.loss_errors = {1e-6, 2e-5};
  plans.predicted_mse = {1.5e-6, 3e-5};
  plans.assignment_keys = {"k1", "k2"};
  plans.certificate.relative_gap = 1e-9;
  plans.certificate.nodes = 12;
  plans.certificate.proved = false;
  plans.num_samples = 63;
  const auto read = to_plans(stored(to_record(unit("plans/macs/random"), plans, "1")));
  EXPECT_EQ(read.threshold, plans.threshold);
  EXPECT_EQ(read.budget, plans.budget);
  EXPECT_EQ(read.assignments, plans.assignments);
  EXPECT_EQ(read.gains, plans.gains);
  EXPECT_EQ(read.loss_errors, plans.loss_errors);
  EXPECT_EQ(read.predicted_mse, plans.predicted_mse);
  EXPECT_EQ(read.assignment_keys, plans.assignment_keys);
  EXPECT_EQ(read.certificate.relative_gap, plans.certificate.relative_gap);
  EXPECT_EQ(read.certificate.nodes, plans.certificate.nodes);
  EXPECT_EQ(read.certificate.proved, plans.certificate.proved);
  EXPECT_EQ(read.num_samples, plans.num_samples);
}

TEST(Record, LossesAreStoredBesideTheirAssignment) {
  auto evaluated = unit("evaluations/losses");
  evaluated.assignment = {{1}, {0}, {2}};
  const auto record = stored(to_record(evaluated, std::vector{2.5, 2.25}, "key"));
  EXPECT_EQ(reals(record.fields, "loss"), (std::vector<double>{2.5, 2.25}));
  EXPECT_EQ(integers(record.fields, "assignment"), (std::vector<std::int64_t>{1, 0, 2}));
  EXPECT_EQ(texts(record.fields, "assignment_key"), std::vector<std::string>{"key"});
}

TEST(Record, AFailureIsNotASuccess) {
  auto failed = unit("scores"), done = unit("scores"), open = unit("scores");
  failed.key = "f";
  done.key = "d";
  open.key = "o";
  Results results;
  results["f"] = failure(failed, "no memory");
  results["d"] = to_record(done, lower::Maxima{}, {});
  EXPECT_FALSE(succeeded(results, failed));
  EXPECT_TRUE(succeeded(results, done));
  EXPECT_FALSE(succeeded(results, open));
  EXPECT_EQ(texts(results["f"].fields, "reason"), std::vector<std::string>{"no memory"});
  EXPECT_EQ(texts(results["f"].fields, "label"), std::vector<std::string>{"a unit"});
}

TEST(Fields, NameWhatIsAbsentOrOfAnotherType) {
  const std::vector<archive::Field> fields{reals("loss", {1}, {}, "nat", "Loss")};
  EXPECT_EQ(reals(fields, "loss"), std::vector<double>{1});
  for (const auto& call : {+[](const std::vector<archive::Field>& f) { integers(f, "loss"); },
                           +[](const std::vector<archive::Field>& f) { reals(f, "gain"); }}) {
    try {
      call(fields);
      ADD_FAILURE() << "nothing was refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
    }
  }
}

}  // namespace
}  // namespace gainsweep::pipeline

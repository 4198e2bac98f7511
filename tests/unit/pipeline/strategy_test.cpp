// A strategy, a loss model and an objective of a test's own, through the stages and `solve`.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "archive/field.hpp"
#include "gain/objective.hpp"
#include "pipeline/archived.hpp"
#include "pipeline/exact_program.hpp"
#include "sensitivity/loss_model.hpp"
#include "solve/strategy.hpp"
#include "unit/throws.hpp"
#include "world.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;
using models::anchoring, models::observing, models::planning_, models::scoring, models::timing_,
    models::World;

solve::Formats first_of(const std::vector<std::size_t>& order, std::size_t count) {
  solve::Formats formats(order.size(), 0);
  for (std::size_t i = 0; i < count; ++i) formats[order[i]] = 1;
  return formats;
}

// The largest beginning of the order of rising cost whose measured quality holds.
std::optional<solve::Answer> bisect(const solve::Numbers& numbers, double threshold,
                                    solve::Asking& asking) {
  std::vector<std::size_t> order(numbers.ops.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return numbers.ops[a][0].cost.front() < numbers.ops[b][0].cost.front();
  });
  std::size_t holds = 0, fails = order.size() + 1;
  while (fails - holds > 1) {
    const auto middle = (holds + fails) / 2;
    const auto known = asking.qualities({first_of(order, middle)});
    if (!known) return std::nullopt;
    (known->front().value <= threshold ? holds : fails) = middle;
  }
  return solve::Answer{{first_of(order, holds)}};
}

// The exact plan of the largest of three thresholds whose measured quality holds.
std::optional<solve::Answer> verified(const solve::Numbers&, double threshold,
                                      solve::Asking& asking) {
  std::vector<solve::Program> programs;
  for (const double part : {1.0, 0.5, 0.25})
    if (const auto program = asking.program(part * threshold)) programs.push_back(*program);
  if (programs.size() < 3) return std::nullopt;
  std::vector<solve::Formats> plans;
  for (const auto& program : programs) plans.push_back(program.formats);
  const auto known = asking.qualities(plans);
  if (!known) return std::nullopt;
  for (std::size_t i = 0; i < plans.size(); ++i)
    if ((*known)[i].value <= threshold) return solve::Answer{{plans[i]}, programs[i].certificate};
  return solve::Answer{{solve::Formats(plans[0].size(), 0)}};
}

solve::MostAsked most_halvings(const solve::Numbers& numbers) {
  return {0, static_cast<std::size_t>(std::bit_width(numbers.ops.size() + 1))};
}

class Toys : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    solve::strategies().add(
        {"bisection", "the longest beginning that holds", bisect, most_halvings});
    solve::strategies().add(
        {"verified", "the first exact plan that holds", verified, [](const auto&) {
           return solve::MostAsked{3, 3};
         }});
    sensitivity::loss_models().add({"twice", "twice the sum",
                                    [](const auto& errors, double threshold) {
                                      return threshold * threshold * errors.mean_square_loss / 2;
                                    },
                                    [](const auto&, double sum) { return 2 * sum; }});
    gain::objectives().add(
        {"ops", "ops", "low ops", "1", false,
         [](const gain::Facts& facts) {
           auto table = gain::objectives().at("macs").gains(facts);
           for (std::size_t j = 0; j < table.gains.size(); ++j)
             for (std::size_t p = 0; p < table.gains[j].size(); ++p)
               table.gains[j][p] = std::count(table.configurations[j][p].begin(),
                                              table.configurations[j][p].end(), FormatId{1});
           return table;
         },
         [](const gain::Facts& facts) { return static_cast<double>(facts.partition.ops.size()); }});
  }

  static Subject searching(const std::string& strategy, std::int64_t chunk = 0) {
    auto about = models::subject();
    about.spec.solve.strategies = {"ip", strategy};
    about.spec.solve.objectives = {"time", "macs"};
    about.spec.solve.search_samples = 4;
    about.spec.evaluate.strategies = {strategy};
    about.spec.evaluate.chunk = chunk;
    about.search = models::samples("search", 4);
    return about;
  }

  // As an archive that `solve` reads.
  static archive::Contents contents(const World& world) {
    archive::Contents contents;
    contents.tables = batch::tables(world.experiment, world.results);
    return contents;
  }

  static const archive::Table& table(const std::vector<archive::Table>& tables,
                                     const std::string& path) {
    return *std::find_if(tables.begin(), tables.end(),
                         [&](const auto& table) { return table.path == path; });
  }
};

std::size_t num_low(const std::vector<std::int64_t>& assignment, std::size_t row) {
  return static_cast<std::size_t>(
      std::count(assignment.begin() + static_cast<std::ptrdiff_t>(5 * row),
                 assignment.begin() + static_cast<std::ptrdiff_t>(5 * row + 5), 1));
}

TEST_F(Toys, ABisectionFindsThePlanThatHolds) {
  for (const std::int64_t chunk : {0, 1, 2}) {
    World world(searching("bisection", chunk));
    world.finish_all();
    const auto tables = contents(world).tables;
    const auto& plans = table(tables, "plans/macs/bisection");
    // An op costs 0.009 of the loss; c and d are one: 4 steps of 1, 1, 2 and 1 ops in some order.
    const auto& assignment = integers(plans.fields, "assignment");
    for (std::size_t row = 0; row < 3; ++row) {
      const double threshold = world.subject.spec.solve.thresholds[row];
      EXPECT_LE(0.009 * static_cast<double>(num_low(assignment, row)), threshold);
      EXPECT_GE(num_low(assignment, row), threshold >= 0.05 ? 5u : 1u);
      EXPECT_GT(integers(plans.fields, "asked").at(row), 0);
      EXPECT_LE(integers(plans.fields, "asked").at(row), 3);
    }
    const auto& searched = table(tables, "evaluations/search");
    EXPECT_EQ(searched.nature, archive::Nature::deterministic) << "macs asks first";
  }
}

TEST_F(Toys, UnitsOfChunksTellTheirSamplesAndAreCountedBefore) {
  World world(searching("bisection", 1));
  world.finish(observing);
  world.finish(scoring);
  world.finish(anchoring);
  world.finish(timing_);
  const auto most = world.call(planning_);
  const std::size_t done = world.finish(planning_);
  EXPECT_LE(done, most.units.size() + most.may_come + 100) << "evaluations of plans come beside";
  std::size_t chunks = 0;
  for (const auto& unit : world.call(planning_).units)
    chunks += unit.label.ends_with("from sample 3");
  EXPECT_GT(chunks, 1u);
}

TEST_F(Toys, APlanFollowsFromWhatItsStrategyAskedAlone) {
  auto both = searching("bisection");
  both.spec.solve.strategies = {"verified", "bisection"};
  World alone(searching("bisection")), beside(both);
  alone.finish_all();
  beside.finish_all();
  const auto plans = [](const World& of) {
    auto fields = table(contents(of).tables, "plans/macs/bisection").fields;
    std::erase_if(fields, [](const auto& field) { return field.name == "unit_order"; });
    return fields;
  };
  EXPECT_EQ(plans(alone), plans(beside));
}

TEST_F(Toys, ProgramsOffTheGridAreUnitsOfTheirOwn) {
  World world(searching("verified"));
  world.finish_all();
  const auto tables = contents(world).tables;
  const auto& programs = table(tables, "programs/macs");
  // 0.5 and 0.25 of 0.02, 0.05 and 1; the thresholds themselves are the plans of ip.
  EXPECT_EQ(reals(programs.fields, "threshold"),
            (std::vector<double>{0.005, 0.01, 0.0125, 0.025, 0.25, 0.5}));
  const auto& plans = table(tables, "plans/macs/verified");
  EXPECT_EQ(integers(plans.fields, "asked"), (std::vector<std::int64_t>{2, 3, 1}));
}

TEST_F(Toys, AFailedSearchLeavesItsPlanOut) {
  World world(searching("bisection"));
  world.finish(observing);
  world.finish(scoring);
  world.finish(anchoring);
  world.finish(timing_);
  for (const auto& unit : world.call(planning_).units)
    if (unit.table == "evaluations/search") world.fail(unit, planning_);
  world.finish(planning_);
  const auto call = world.call(planning_);
  ASSERT_EQ(call.obstacles.size(), 6u) << "3 thresholds of 2 objectives";
  EXPECT_NE(
      call.obstacles[0].find("the plan of bisection at threshold 0.02 is left out: losses of"),
      std::string::npos)
      << call.obstacles[0];
}

TEST_F(Toys, SolveAnswersFromTheRowsOfAnArchive) {
  World world(searching("bisection", 2));
  world.finish_all();
  const auto old = contents(world);
  const auto tables = plan_archived(old, world.subject.spec);
  for (const char* path : {"plans/macs/bisection", "plans/time/bisection", "predictions"})
    EXPECT_TRUE(table(tables, path).fields == table(old.tables, path).fields) << path;
}

TEST_F(Toys, SolveRefusesWhatAnArchiveLacks) {
  World world(searching("bisection"));
  world.finish_all();
  auto old = contents(world);
  std::erase_if(old.tables, [](const auto& table) { return table.path == "evaluations/search"; });
  EXPECT_ERROR(plan_archived(old, world.subject.spec), ErrorKind::config,
               "the strategy bisection for time at threshold 0.02 asks for losses on 4 search "
               "samples that the archive lacks:\n  plan ");
}

TEST_F(Toys, ALossModelIsARow) {
  auto about = models::subject();
  about.spec.solve.loss_model = "twice";
  World world(about);
  world.finish_all();
  const auto tables = contents(world).tables;
  const auto& plans = table(tables, "plans/macs/ip");
  const auto& sums = reals(plans.fields, "loss_error");
  const auto& predicted = reals(plans.fields, "predicted_mse");
  for (std::size_t row = 0; row < sums.size(); ++row) EXPECT_EQ(predicted[row], 2 * sums[row]);
  const auto& models = texts(table(tables, "predictions").fields, "loss_model");
  EXPECT_NE(std::find(models.begin(), models.end(), "twice"), models.end());
}

// Every assignment of `small()`: c and d are tied.
std::vector<graph::Assignment> all_assignments() {
  std::vector<graph::Assignment> all;
  for (std::size_t bits = 0; bits < 16; ++bits) {
    const auto format = [&](std::size_t bit) { return FormatId{bits >> bit & 1}; };
    all.push_back({format(0), format(1), format(2), format(2), format(3)});
  }
  return all;
}

TEST_F(Toys, ConstraintsAreKeptByTheBestPlan) {
  auto about = models::subject();
  about.spec.solve.objectives = {"macs"};
  about.spec.solve.strategies = {"ip"};
  about.spec.solve.constraints = {{"bytes", 1000}, {"bits", 14}};
  about.spec.solve.thresholds = {1e-6, 0.05, 1};
  const Measured measured = models::scores(about.layout);
  const auto decision = decide(about.layout, about.spec, measured);
  std::size_t found = 0;
  for (const auto& question : questions(about.spec.solve)) {
    if (question.is_frontier()) continue;
    std::int64_t best = -1;
    for (const auto& assignment : all_assignments()) {
      double errors = 0;
      for (std::size_t op = 0; op < 5; ++op) errors += decision.errors.d[op][assignment[op].index];
      const double limit =
          sensitivity::loss_models().at("bias").limit(decision.errors, question.threshold);
      bool keeps = errors <= limit;
      for (const auto& constraint : decision.constraints[0])
        keeps = keeps &&
                amount(about.layout, decision, 0, constraint, assignment) <= constraint.allowed;
      if (keeps)
        best = std::max(best, gain::total(decision.gains[0], about.layout.partition, assignment));
    }
    if (best < 0) {
      EXPECT_ERROR(solve_program(about.layout, about.spec, question, decision), ErrorKind::input,
                   "no plan keeps the threshold and solve.constraints:\n  bits: 14 allowed");
      continue;
    }
    ++found;
    const auto plans = solve_program(about.layout, about.spec, question, decision);
    EXPECT_EQ(plans.gains[0], best);
    EXPECT_EQ(plans.constraints, (std::vector<std::string>{"bits", "bytes"}));
    EXPECT_LE(plans.amounts[0], 14);
    EXPECT_LE(plans.amounts[1], 1000);
  }
  EXPECT_GT(found, 0u);
  EXPECT_LT(found, 3u) << "the smallest threshold should leave no plan";
}

TEST_F(Toys, ALimitOnSecondsMakesPlansMeasured) {
  auto about = models::subject();
  about.spec.solve.objectives = {"macs"};
  about.spec.solve.strategies = {"ip"};
  about.spec.solve.constraints = {{"seconds", 0.9}};
  World world(about);
  world.finish_all();
  EXPECT_EQ(table(contents(world).tables, "plans/macs/ip").nature, archive::Nature::measured);
}

TEST_F(Toys, AnObjectiveIsARow) {
  auto about = models::subject();
  about.spec.solve.objectives = {"ops"};
  World world(about);
  world.finish_all();
  const auto tables = contents(world).tables;
  EXPECT_EQ(integers(table(tables, "plans/ops/ip").fields, "gain").back(), 5);
  EXPECT_EQ(reals(table(tables, "objectives").fields, "whole").at(0), 5);
}

}  // namespace
}  // namespace gainsweep::pipeline

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "models.hpp"
#include "pipeline/exact_program.hpp"
#include "sensitivity/loss_model.hpp"
#include "unit/throws.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::has, archive::reals, archive::texts;

// Every assignment of `small()`: two formats, c and d tied.
std::vector<graph::Assignment> all_assignments() {
  std::vector<graph::Assignment> all;
  for (std::size_t bits = 0; bits < 16; ++bits) {
    const auto format = [&](std::size_t bit) { return FormatId{bits >> bit & 1}; };
    all.push_back({format(0), format(1), format(2), format(2), format(3)});
  }
  return all;
}

double loss_error(const Decision& decision, const graph::Assignment& assignment) {
  double sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i)
    sum += decision.errors.d[i][assignment[i].index];
  return sum;
}

class Budgets : public ::testing::TestWithParam<unsigned> {
 protected:
  Budgets() {
    spec_.solve.objectives = {"macs"};
    spec_.solve.frontier = false;
    spec_.solve.thresholds = {1};
    spec_.solve.strategies = {"ip"};
    measured_.times = models::times(layout_);
    layout_.held = {1000, {{64, 0}, {64, 8}}};
  }

  Decision decision() const { return decide(layout_, spec_, measured_); }

  /// Plans of the questions about budgets, by resource and amount.
  std::map<std::pair<std::string, double>, Plans> plans(const Decision& decision) const {
    std::map<std::pair<std::string, double>, Plans> found;
    for (const auto& question : questions(spec_.solve)) {
      const auto& aim = decision.aims[question.aim];
      if (!aim.is_budget()) continue;
      const auto plans = models::answer(layout_, spec_, question, decision);
      found[{aim.resource, question.threshold}] =
          to_plans(batch::record({}, to_fields(plans, spec_, question)));
    }
    return found;
  }

  Layout layout_ = models::small();
  spec::Spec spec_ = models::spec(layout_);
  Measured measured_ = models::scores(layout_, GetParam());
};
INSTANTIATE_TEST_SUITE_P(Seeds, Budgets, ::testing::Range(1u, 7u));

TEST_P(Budgets, PlansAreThoseOfTheLeastLossError) {
  spec_.solve.budgets = {{"bits", {9.25, 10, 12.5, 16}}, {"bytes", {700, 900, 1200}}};
  const auto decision = this->decision();
  const auto found = plans(decision);
  ASSERT_EQ(found.size(), 7U);
  const auto& model = sensitivity::loss_models().at(spec_.solve.loss_model);
  for (const auto& [budget, plan] : found) {
    SCOPED_TRACE(budget.first + " " + std::to_string(budget.second));
    const std::size_t aim = budget.first == "bits" ? 1 : 2;
    const auto& constraint = decision.constraints[aim].front();
    graph::Assignment best;
    for (const auto& assignment : all_assignments()) {
      const auto rank = [&](const auto& of) {
        return std::tuple{loss_error(decision, of), amount(layout_, decision, aim, constraint, of)};
      };
      if (amount(layout_, decision, aim, constraint, assignment) > budget.second) continue;
      if (best.empty() || rank(assignment) < rank(best)) best = assignment;
    }
    ASSERT_EQ(plan.assignments, (std::vector<graph::Assignment>{best}));
    EXPECT_EQ(plan.threshold, budget.second);
    EXPECT_EQ(plan.budget, budget.second);
    EXPECT_EQ(plan.taken, std::vector{amount(layout_, decision, aim, constraint, best)});
    EXPECT_LE(plan.taken[0], budget.second);
    EXPECT_EQ(plan.gains[0], gain::total(decision.gains[aim], layout_.partition, best));
    EXPECT_EQ(plan.loss_errors[0], loss_error(decision, best));
    EXPECT_EQ(plan.predicted_mse[0], model.predicted(decision.errors, plan.loss_errors[0]));
    EXPECT_TRUE(plan.certificate.proved);
    EXPECT_LE(plan.certificate.relative_gap, 1e-6);
  }
  EXPECT_EQ(found.at({"bits", 16}).loss_errors[0], 0) << "nothing has to be lowered";
}

TEST_P(Budgets, KeepConstraintsToo) {
  spec_.solve.budgets = {{"bits", {12}}};
  spec_.solve.constraints = {{"seconds", 0.985}};
  const auto decision = this->decision();
  const auto plan = plans(decision).at({"bits", 12});
  graph::Assignment best;
  for (const auto& assignment : all_assignments()) {
    const bool keeps =
        amount(layout_, decision, 1, decision.constraints[1][0], assignment) <= 12 &&
        amount(layout_, decision, 1, decision.constraints[1][1], assignment) <= 0.985;
    if (keeps && (best.empty() || loss_error(decision, assignment) < loss_error(decision, best)))
      best = assignment;
  }
  EXPECT_EQ(plan.assignments, (std::vector<graph::Assignment>{best}));
}

TEST_P(Budgets, OfSecondsAreThoseOfTheTimes) {
  spec_.solve.budgets = {{"seconds", {0.96, 0.99}}};
  const auto decision = this->decision();
  const Question question{1, "ip", 0.99};
  const auto fields =
      to_fields(models::answer(layout_, spec_, question, decision), spec_, question);
  EXPECT_LE(reals(fields, "taken").at(0), 0.99);
  EXPECT_TRUE(has(fields, "source"));
  EXPECT_FALSE(has(fields, "threshold"));
  EXPECT_EQ(ticket(spec_, question, 0).table, "budgets/seconds");
  EXPECT_EQ(ticket(spec_, question, 0).label, "least loss error within 0.99 seconds");
  EXPECT_EQ(ticket(spec_, question, 0).nature, archive::Nature::measured);
}

TEST_P(Budgets, OfACardHoldWhatEveryPlanHas) {
  spec_.solve.context = 20;
  spec_.solve.sequences = 3;
  spec_.solve.budgets = {{"bytes", {900}}, {"card_bytes", {900 + 2 * (1000 + 3 * 64 * 28)}}};
  const auto decision = this->decision();
  const auto found = plans(decision);
  const auto& card = found.rbegin()->second;
  EXPECT_EQ(card.assignments, found.begin()->second.assignments);
  EXPECT_EQ(card.taken[0] - found.begin()->second.taken[0], 2 * (1000 + 3 * 64 * 28));
}

TEST_P(Budgets, ThatNothingKeepsSayTheLeast) {
  spec_.solve.budgets = {{"bits", {4}}};
  const auto decision = this->decision();
  const Question question{1, "ip", 4};
  EXPECT_ERROR(solve_program(layout_, spec_, question, decision), ErrorKind::input,
               "no plan keeps a budget of solve.budgets:\n  bits: 4 allowed, 9.06");
  EXPECT_ERROR(solve_program(layout_, spec_, question, decision), ErrorKind::input,
               "is the least that any plan takes\nAllow more of it.");
  spec_.solve.constraints = {{"bytes", 500}};
  EXPECT_ERROR(solve_program(layout_, spec_, question, this->decision()), ErrorKind::input,
               "\n  bytes: 500 allowed, ");
}

TEST(BudgetsOfASpec, AreEvaluatedEveryNthFromTheLargest) {
  auto spec = models::spec(models::small());
  spec.solve.objectives = {"macs"};
  spec.solve.budgets = {{"bits", {5, 6, 7}}};
  spec.evaluate.every = 2;
  std::vector<double> evaluated;
  for (const auto& question : questions(spec.solve))
    if (question.aim == 1 && is_evaluated(spec, question)) evaluated.push_back(question.threshold);
  EXPECT_EQ(evaluated, (std::vector<double>{5, 7}));
  spec.evaluate.strategies = {};
  for (const auto& question : questions(spec.solve)) EXPECT_FALSE(is_evaluated(spec, question));
}

TEST(BudgetsOfASpec, AreNamedWithWhatIsReachable) {
  const auto layout = models::small();
  auto spec = models::spec(layout);
  spec.solve.budgets = {{"bits", {10}}};
  const auto measured = models::scores(layout);
  const auto tables = gain_tables(layout, spec, decide(layout, spec, measured));
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [](const auto& table) { return table.path == "resources"; });
  ASSERT_NE(found, tables.end());
  EXPECT_EQ(texts(found->fields, "resource"), std::vector<std::string>{"bits"});
  EXPECT_EQ(texts(found->fields, "objective"), std::vector<std::string>{"memory"});
  EXPECT_DOUBLE_EQ(reals(found->fields, "whole")[0], 16);
  EXPECT_GT(reals(found->fields, "least")[0], 9);
  EXPECT_LT(reals(found->fields, "least")[0], 9.1);
}

}  // namespace
}  // namespace gainsweep::pipeline

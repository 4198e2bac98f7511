#include "pipeline/plans.hpp"

#include <algorithm>
#include <iterator>
#include <span>

#include "archive/field.hpp"
#include "base/text.hpp"
#include "gain/resource.hpp"
#include "pipeline/exact_program.hpp"
#include "pipeline/plan_predictor.hpp"
#include "sensitivity/loss_model.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

constexpr const char* frontier_name = "frontier";
constexpr std::int64_t passes_of_loss_errors = 3;

double loss_error(const sensitivity::LossErrors& errors, const graph::Assignment& assignment) {
  double sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i) sum += errors.d[i][assignment[i].index];
  return sum;
}

// What the summed loss errors may be.
double budget(const spec::Spec& spec, const Decision& decision, double threshold) {
  return sensitivity::loss_models().at(spec.solve.loss_model).limit(decision.errors, threshold);
}

Plans predicted(const Layout& layout, const spec::Spec& spec, const Question& question,
                const Decision& decision, std::vector<graph::Assignment> assignments) {
  const auto& gains = decision.gains[question.aim];
  const bool is_budget = decision.aims[question.aim].is_budget();
  const auto& constraints = decision.constraints[question.aim];
  const auto& model = sensitivity::loss_models().at(spec.solve.loss_model);
  Plans plans;
  plans.threshold = question.threshold;
  plans.budget = is_budget ? question.threshold : budget(spec, decision, question.threshold);
  plans.num_samples = decision.errors.samples;
  if (solve::strategies().at(question.how).uses_loss_errors) plans.passes = passes_of_loss_errors;
  for (const auto& assignment : assignments) {
    plans.gains.push_back(gain::total(gains, layout.partition, assignment));
    plans.loss_errors.push_back(loss_error(decision.errors, assignment));
    plans.predicted_mse.push_back(model.predicted(decision.errors, plans.loss_errors.back()));
    const auto prediction = decision.predictor->predict(model, assignment);
    plans.biases.push_back(model.bias(decision.errors, plans.loss_errors.back()));
    plans.lows.push_back(prediction.low);
    plans.highs.push_back(prediction.high);
    plans.assignment_keys.push_back(assignment_key(assignment, layout.formats));
    for (std::size_t r = 0; r < constraints.size(); ++r)
      (is_budget && r == 0 ? plans.taken : plans.amounts)
          .push_back(amount(layout, decision, question.aim, constraints[r], assignment));
  }
  for (std::size_t r = is_budget ? 1 : 0; r < constraints.size(); ++r) {
    plans.constraints.push_back(constraints[r].resource);
    plans.allowed.push_back(constraints[r].allowed);
  }
  plans.assignments = std::move(assignments);
  return plans;
}

Aim aim_of(const spec::Spec& spec, const Question& question) {
  return aims(spec.solve)[question.aim];
}

const gain::Objective& objective_of(const spec::Spec& spec, const Question& question) {
  return gain::objectives().at(aim_of(spec, question).objective);
}

// What the question's threshold or budget is, as the first fields of a record.
batch::Fields limits(const Plans& plans, const Aim& aim) {
  if (!aim.is_budget())
    return {reals("threshold", {plans.threshold}, {}, "1",
                  "Allowed root-mean-square loss error relative to the root-mean-square loss"),
            reals("budget", {plans.budget}, {}, "nat^2", "Largest allowed sum of loss errors")};
  const auto& unit = gain::resources().at(aim.resource).unit;
  return {reals("budget", {plans.budget}, {}, unit, "Largest allowed amount of the resource"),
          reals("taken", plans.taken, {{"draw", plans.taken.size()}}, unit,
                "What the plan takes of it")};
}

}  // namespace

bool Question::is_frontier() const {
  return how == frontier_name;
}

std::vector<Question> questions(const spec::SolveSpec& spec) {
  std::vector<Question> all;
  for (std::size_t o = 0; o < spec.objectives.size(); ++o)
    for (const auto& strategy : spec.strategies)
      for (const double threshold : spec.thresholds) all.push_back({o, strategy, threshold});
  if (spec.frontier)
    for (std::size_t o = 0; o < spec.objectives.size(); ++o) all.push_back({o, frontier_name, 0});
  const auto every = aims(spec);
  for (std::size_t a = spec.objectives.size(); a < every.size(); ++a)
    for (const double budget : every[a].grid) all.push_back({a, solve::exact_strategy, budget});
  return all;
}

bool is_evaluated(const spec::Spec& spec, const Question& question) {
  if (question.is_frontier()) return false;
  const auto& strategies = spec.evaluate.strategies;
  const auto aim = aim_of(spec, question);
  const auto& grid = aim.grid;
  const auto from_largest =
      grid.end() - std::find(grid.begin(), grid.end(), question.threshold) - 1;
  const bool is_named = aim.is_budget() ? !strategies.empty()
                                        : std::find(strategies.begin(), strategies.end(),
                                                    question.how) != strategies.end();
  return is_named && from_largest % spec.evaluate.every == 0;
}

std::size_t most_plans(const spec::Spec& spec) {
  const auto all = questions(spec.solve);
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const auto& question) { return is_evaluated(spec, question); }));
}

batch::Ticket ticket(const spec::Spec& spec, const Question& question, std::uint64_t order) {
  const auto aim = aim_of(spec, question);
  const auto& objective = gain::objectives().at(aim.objective);
  batch::Ticket ticket;
  ticket.label = question.how + " for " + objective.name;
  ticket.nature = nature_of(spec, objective.name);
  ticket.order = order;
  if (aim.is_budget()) {
    ticket.table = "budgets/" + aim.resource;
    ticket.label = "least loss error within " + shortest(question.threshold) + " " + aim.resource;
  } else if (question.is_frontier()) {
    ticket.table = "frontier/" + objective.name;
    ticket.form = batch::Form::table;
  } else {
    ticket.table = "plans/" + objective.name + "/" + question.how;
    ticket.label += " at threshold " + shortest(question.threshold);
  }
  return ticket;
}

key::PlanQuestion key_facts(const spec::Spec& spec, const Question& question) {
  const auto aim = aim_of(spec, question);
  return {aim.objective,           question.how,     question.threshold, spec.solve.loss_model,
          spec.solve.seed,         spec.solve.draws, aim.resource,       spec.solve.search_metric,
          spec.solve.search_verify};
}

solve::Numbers numbers(const spec::Spec& spec, const Decision& decision, std::size_t aim) {
  solve::Numbers numbers;
  numbers.ops = formats_of(decision.lowerables[aim]);
  numbers.budget = [&](double threshold) { return budget(spec, decision, threshold); };
  numbers.seed = static_cast<std::uint64_t>(spec.solve.seed);
  numbers.draws = static_cast<std::uint64_t>(spec.solve.draws);
  numbers.verify = static_cast<std::size_t>(spec.solve.search_verify);
  return numbers;
}

Plans solve_program(const Layout& layout, const spec::Spec& spec, const Question& question,
                    const Decision& decision) {
  const bool is_budget = decision.aims[question.aim].is_budget();
  const ExactProgram program(
      layout, decision, decision.errors, question.aim,
      is_budget ? question.threshold : budget(spec, decision, question.threshold));
  const auto [solution, certificate] = program.solve();
  auto plans = predicted(layout, spec, question, decision, {program.assignment(solution.choices)});
  plans.certificate = certificate;
  return plans;
}

Plans describe(const Layout& layout, const spec::Spec& spec, const Question& question,
               const Decision& decision, const solve::Answer& answer) {
  std::vector<graph::Assignment> assignments;
  for (const auto& formats : answer.plans)
    assignments.push_back(expand(layout, decision.lowerables[question.aim], formats));
  auto plans = predicted(layout, spec, question, decision, std::move(assignments));
  if (answer.certificate) plans.certificate = *answer.certificate;
  plans.reliability = answer.reliability;
  plans.quality = answer.quality;
  return plans;
}

batch::Fields frontier(const Layout& layout, const spec::Spec& spec, const Question& question,
                       const Decision& decision) {
  const ExactProgram program(layout, decision, decision.errors, question.aim);
  auto problem = program.problem();
  double largest = 0;
  for (const auto& group : problem.groups)
    largest += std::max_element(group.begin(), group.end(), [](const auto& a, const auto& b) {
                 return a.cost.front() < b.cost.front();
               })->cost.front();
  problem.limits.front() = largest * (1 + 1e-9);
  std::vector<std::int64_t> gains, formats;
  std::vector<double> costs, predicted;
  const auto& model = sensitivity::loss_models().at(spec.solve.loss_model);
  for (const auto& point : solve::frontier(problem)) {
    gains.push_back(point.gain);
    costs.push_back(point.cost.front());
    predicted.push_back(model.predicted(decision.errors, point.cost.front()));
    const auto assignment = to_indices(program.assignment(point.choices));
    formats.insert(formats.end(), assignment.begin(), assignment.end());
  }
  const archive::Axes axis{{"row", gains.size()}};
  const archive::Axes both{{"row", gains.size()}, {"op", layout.partition.ops.size()}};
  const auto& units = objective_of(spec, question).unit;
  return {integers("gain", gains, axis, units, "Gain of each Pareto-optimal plan"),
          reals("loss_error", costs, axis, "nat^2", "Sum of the ops' loss errors"),
          reals("predicted_mse", predicted, axis, "nat^2",
                "Predicted mean square of the loss's change under the spec's loss model"),
          integers("assignment", formats, both, "1", "Index of each op's format")};
}

batch::Fields certificate_fields(const solve::Certificate& certificate) {
  return {reals("certificate_gap", {certificate.relative_gap}, {}, "1",
                "Relative difference between the integer program's certificate and the plan"),
          integers("certificate_nodes", {certificate.nodes}, {}, "1",
                   "Branch-and-bound nodes of the certificate"),
          integers("certificate_proved", {certificate.proved ? 1 : 0}, {}, "1",
                   "0 where the certificate's search ended at its limit of nodes")};
}

solve::Certificate to_certificate(const batch::Fields& fields) {
  solve::Certificate certificate;
  certificate.relative_gap = reals(fields, "certificate_gap").at(0);
  certificate.nodes = integers(fields, "certificate_nodes").at(0);
  certificate.proved = integers(fields, "certificate_proved").at(0) != 0;
  return certificate;
}

batch::Fields to_fields(const Plans& plans, const spec::Spec& spec, const Question& question) {
  const auto& objective = objective_of(spec, question);
  const std::size_t draws = plans.assignments.size();
  std::vector<std::vector<std::int64_t>> formats;
  for (const auto& assignment : plans.assignments) formats.push_back(to_indices(assignment));
  const archive::Axes draw{{"draw", draws}};
  const archive::Axes both{{"draw", draws}, {"op", draws == 0 ? 0 : plans.assignments[0].size()}};
  auto fields = limits(plans, aim_of(spec, question));
  batch::Fields found{
      integers("assignment", archive::flatten(formats), both, "1", "Index of each op's format"),
      texts("assignment_key", plans.assignment_keys, draw,
            "Digest that joins plans and evaluations"),
      integers("gain", plans.gains, draw, objective.unit, "Predicted gain against all-high"),
      reals("loss_error", plans.loss_errors, draw, "nat^2", "Sum of the ops' loss errors"),
      reals("predicted_mse", plans.predicted_mse, draw, "nat^2",
            "Predicted mean square of the loss's change under the spec's loss model"),
      reals("predicted_bias", plans.biases, draw, "nat",
            "Predicted mean of the loss's change, negative where it falls"),
      reals("predicted_low", plans.lows, draw, "1",
            "Lower end of the 95 % interval of the predicted loss error, root mean square over "
            "the root-mean-square loss"),
      reals("predicted_high", plans.highs, draw, "1", "Its upper end"),
      integers("num_samples", {plans.num_samples}, {}, "1",
               "Calibration samples that the loss errors stand on")};
  for (auto& field : certificate_fields(plans.certificate)) found.push_back(std::move(field));
  found.push_back(integers(
      "passes", {plans.passes}, {}, "1",
      "Forward passes of a set of samples that the plan rests on: 3 for loss errors, one for each "
      "measured plan"));
  std::move(found.begin(), found.end(), std::back_inserter(fields));
  if (!plans.constraints.empty()) {
    const archive::Axes constraint{{"constraint", plans.constraints.size()}};
    const archive::Axes taken{{"draw", draws}, {"constraint", plans.constraints.size()}};
    fields.push_back(texts("constraint", plans.constraints, constraint, "Limited resource"));
    fields.push_back(reals("allowed", plans.allowed, constraint, "1",
                           "Its largest amount, in the resource's unit"));
    fields.push_back(
        reals("amount", plans.amounts, taken, "1", "What the plan takes, in the same unit"));
  }
  if (follows_times(spec, objective.name))
    fields.push_back(texts("source", {spec.latency.source}, {},
                           "Where the times that it follows from come from"));
  if (plans.asked)
    fields.push_back(integers("asked", {*plans.asked}, {}, "1",
                              "Plans that the strategy measured to find this one"));
  if (plans.reliability)
    fields.push_back(reals("reliability", {*plans.reliability}, {}, "1",
                           "Rank correlation between its scores on even and on odd samples"));
  if (plans.quality) {
    fields.push_back(reals("searched", {plans.quality->value}, {}, "1",
                           "What the threshold bounds, as the search measured it"));
    fields.push_back(reals("searched_error", {plans.quality->standard_error}, {}, "1",
                           "Its standard error over the samples of searches"));
  }
  return fields;
}

Plans to_plans(const archive::Record& record) {
  Plans plans;
  plans.budget = reals(record.fields, "budget").at(0);
  const bool is_budget = archive::has(record.fields, "taken");
  plans.threshold = is_budget ? plans.budget : reals(record.fields, "threshold").at(0);
  if (is_budget) plans.taken = reals(record.fields, "taken");
  plans.gains = integers(record.fields, "gain");
  plans.loss_errors = reals(record.fields, "loss_error");
  plans.predicted_mse = reals(record.fields, "predicted_mse");
  plans.biases = reals(record.fields, "predicted_bias");
  plans.lows = reals(record.fields, "predicted_low");
  plans.highs = reals(record.fields, "predicted_high");
  plans.assignment_keys = texts(record.fields, "assignment_key");
  plans.num_samples = integers(record.fields, "num_samples").at(0);
  plans.certificate = to_certificate(record.fields);
  const auto& formats = integers(record.fields, "assignment");
  const auto num_ops = plans.gains.empty() ? 0 : formats.size() / plans.gains.size();
  for (std::size_t first = 0; first < formats.size(); first += num_ops)
    plans.assignments.push_back(to_assignment(std::span(formats).subspan(first, num_ops)));
  return plans;
}

}  // namespace gainsweep::pipeline

#include "pipeline/plans.hpp"

#include <algorithm>
#include <set>

#include "archive/field.hpp"
#include "base/text.hpp"
#include "solve/solve.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

std::vector<std::vector<solve::Choice>> choices(const Layout& layout, const gain::GainTable& gains,
                                                const sensitivity::LossErrors& errors) {
  std::vector<std::vector<solve::Choice>> groups;
  for (std::size_t j = 0; j < gains.gains.size(); ++j) {
    groups.emplace_back();
    for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
      double cost = 0;
      for (std::size_t i = 0; i < gains.configurations[j][p].size(); ++i)
        cost +=
            errors
                .d[layout.partition.subgraphs[j].ops[i].index][gains.configurations[j][p][i].index];
      groups.back().push_back({gains.gains[j][p], cost});
    }
  }
  return groups;
}

graph::Assignment assignment_of(const Layout& layout, const gain::GainTable& gains,
                                const std::vector<std::size_t>& choices) {
  graph::Assignment assignment(layout.partition.ops.size(), high_format);
  for (std::size_t j = 0; j < choices.size(); ++j)
    for (std::size_t i = 0; i < layout.partition.subgraphs[j].ops.size(); ++i)
      assignment[layout.partition.subgraphs[j].ops[i].index] =
          gains.configurations[j][choices[j]][i];
  return assignment;
}

// What the baselines lower one after another: tied ops together, in the IR order of their first.
struct Lowerable {
  std::vector<OpId> ops;
  std::vector<solve::LowFormat> formats;
};

std::vector<Lowerable> lowerables(const Layout& layout, const gain::GainTable& gains,
                                  const sensitivity::LossErrors& errors) {
  std::vector<Lowerable> all;
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j) {
    const auto& subgraph = layout.partition.subgraphs[j];
    for (const auto& tie : subgraph.ties) {
      Lowerable lowerable;
      for (const auto place : tie) lowerable.ops.push_back(subgraph.ops[place]);
      std::set<std::size_t> formats;
      for (const auto& configuration : gains.configurations[j])
        formats.insert(configuration[tie.front()].index);
      formats.erase(high_format.index);
      for (const auto format : formats) {
        double cost = 0;
        for (const auto op : lowerable.ops) cost += errors.d[op.index][format];
        lowerable.formats.push_back({format, cost});
      }
      all.push_back(std::move(lowerable));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.ops.front() < b.ops.front(); });
  return all;
}

graph::Assignment expand(const Layout& layout, const std::vector<Lowerable>& lowerables,
                         const std::vector<std::size_t>& formats) {
  graph::Assignment assignment(layout.partition.ops.size(), high_format);
  for (std::size_t i = 0; i < lowerables.size(); ++i)
    for (const auto op : lowerables[i].ops) assignment[op.index] = {formats[i]};
  return assignment;
}

std::vector<graph::Assignment> baseline(const Layout& layout, const spec::Spec& spec,
                                        const Question& question, const gain::GainTable& gains,
                                        const sensitivity::LossErrors& errors, double budget) {
  const auto ops = lowerables(layout, gains, errors);
  solve::OpFormats formats;
  for (const auto& op : ops) formats.push_back(op.formats);
  if (question.strategy == solve::Strategy::prefix)
    return {expand(layout, ops, solve::prefix(formats, budget))};
  std::vector<graph::Assignment> draws;
  for (std::int64_t draw = 0; draw < spec.solve.draws; ++draw)
    draws.push_back(expand(layout, ops,
                           solve::random(formats, budget, static_cast<std::uint64_t>(spec.seed),
                                         static_cast<std::uint64_t>(draw))));
  return draws;
}

double loss_error(const sensitivity::LossErrors& errors, const graph::Assignment& assignment) {
  double sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i) sum += errors.d[i][assignment[i].index];
  return sum;
}

Plans solve_point(const Layout& layout, const spec::Spec& spec, const Question& question,
                  const Decision& decision) {
  const auto& gains = decision.gains[question.objective];
  Plans plans;
  plans.threshold = spec.solve.thresholds[question.threshold];
  plans.budget = sensitivity::budget(spec.solve.loss_model, plans.threshold,
                                     decision.errors.mean_square_loss, layout.length);
  plans.num_samples = decision.errors.samples;
  if (question.strategy == solve::Strategy::ip) {
    const solve::Problem problem{choices(layout, gains, decision.errors), plans.budget};
    const auto solution = solve::dynamic_program(problem);
    plans.certificate = solve::certify(problem, solution);
    plans.assignments = {assignment_of(layout, gains, solution.choices)};
  } else {
    plans.assignments = baseline(layout, spec, question, gains, decision.errors, plans.budget);
  }
  for (const auto& assignment : plans.assignments) {
    plans.gains.push_back(gain::total(gains, layout.partition, assignment));
    plans.loss_errors.push_back(loss_error(decision.errors, assignment));
    plans.predicted_mse.push_back(
        sensitivity::predicted_mse(spec.solve.loss_model, plans.loss_errors.back(), layout.length));
    plans.assignment_keys.push_back(assignment_key(assignment, layout.formats));
  }
  return plans;
}

batch::Fields frontier(const Layout& layout, const spec::Spec& spec, const Question& question,
                       const Decision& decision) {
  const auto groups = choices(layout, decision.gains[question.objective], decision.errors);
  double largest = 0;
  for (const auto& group : groups)
    largest += std::max_element(group.begin(), group.end(), [](const auto& a, const auto& b) {
                 return a.cost < b.cost;
               })->cost;
  std::vector<std::int64_t> gains;
  std::vector<double> costs, predicted;
  for (const auto& p : solve::frontier(groups, largest * (1 + 1e-9))) {
    gains.push_back(p.gain);
    costs.push_back(p.cost);
    predicted.push_back(sensitivity::predicted_mse(spec.solve.loss_model, p.cost, layout.length));
  }
  const archive::Axes axis{{"row", gains.size()}};
  const auto* units = gain_units(spec.solve.objectives[question.objective]);
  return {integers("gain", gains, axis, units, "Gain of each Pareto-optimal plan"),
          reals("loss_error", costs, axis, "nat^2", "Sum of the ops' loss errors"),
          reals("predicted_mse", predicted, axis, "nat^2",
                "Predicted mean square of the loss's change under the spec's loss model")};
}

std::string how(const Question& question) {
  return question.is_frontier ? "frontier" : spelling(question.strategy);
}

double threshold(const spec::Spec& spec, const Question& question) {
  return question.is_frontier ? 0 : spec.solve.thresholds[question.threshold];
}

}  // namespace

std::vector<Question> questions(const spec::SolveSpec& spec) {
  std::vector<Question> all;
  for (std::size_t o = 0; o < spec.objectives.size(); ++o)
    for (const auto strategy : spec.strategies)
      for (std::size_t t = 0; t < spec.thresholds.size(); ++t)
        all.push_back({o, false, t, strategy});
  if (spec.frontier)
    for (std::size_t o = 0; o < spec.objectives.size(); ++o) all.push_back({o, true, 0, {}});
  return all;
}

batch::Ticket ticket(const spec::Spec& spec, const Question& question, std::uint64_t order) {
  const auto objective = spec.solve.objectives[question.objective];
  const std::string about = spelling(objective);
  batch::Ticket ticket;
  ticket.label = how(question) + " for " + about;
  ticket.nature = nature_of(objective);
  ticket.order = order;
  if (question.is_frontier) {
    ticket.table = "frontier/" + about;
    ticket.form = batch::Form::table;
  } else {
    ticket.table = "plans/" + about + "/" + how(question);
    ticket.label += " at threshold " + shortest(threshold(spec, question));
  }
  return ticket;
}

key::PlanQuestion key_facts(const spec::Spec& spec, const Question& question) {
  return {spelling(spec.solve.objectives[question.objective]),
          how(question),
          threshold(spec, question),
          spelling(spec.solve.loss_model),
          spec.seed,
          spec.solve.draws};
}

batch::Fields answer(const Layout& layout, const spec::Spec& spec, const Question& question,
                     const Decision& decision) {
  if (question.is_frontier) return frontier(layout, spec, question, decision);
  return to_fields(solve_point(layout, spec, question, decision),
                   gain_units(spec.solve.objectives[question.objective]));
}

batch::Fields to_fields(const Plans& plans, const std::string& gain_units) {
  const std::size_t draws = plans.assignments.size();
  std::vector<std::int64_t> formats;
  for (const auto& assignment : plans.assignments)
    for (const auto format : assignment) formats.push_back(static_cast<std::int64_t>(format.index));
  const archive::Axes draw{{"draw", draws}};
  const archive::Axes both{{"draw", draws}, {"op", draws == 0 ? 0 : plans.assignments[0].size()}};
  const auto& certificate = plans.certificate;
  return {reals("threshold", {plans.threshold}, {}, "1",
                "Allowed root-mean-square loss error relative to the root-mean-square loss"),
          reals("budget", {plans.budget}, {}, "nat^2", "Largest allowed sum of loss errors"),
          integers("assignment", formats, both, "1", "Index of each op's format"),
          texts("assignment_key", plans.assignment_keys, draw,
                "Digest that joins plans and evaluations"),
          integers("gain", plans.gains, draw, gain_units, "Predicted gain against all-high"),
          reals("loss_error", plans.loss_errors, draw, "nat^2", "Sum of the ops' loss errors"),
          reals("predicted_mse", plans.predicted_mse, draw, "nat^2",
                "Predicted mean square of the loss's change under the spec's loss model"),
          integers("num_samples", {plans.num_samples}, {}, "1",
                   "Calibration samples that the loss errors stand on"),
          reals("certificate_gap", {certificate.relative_gap}, {}, "1",
                "Relative difference between the integer program's certificate and the plan"),
          integers("certificate_nodes", {certificate.nodes}, {}, "1",
                   "Branch-and-bound nodes of the certificate"),
          integers("certificate_proved", {certificate.proved ? 1 : 0}, {}, "1",
                   "0 where the certificate's search ended at its limit of nodes")};
}

Plans to_plans(const archive::Record& record) {
  Plans plans;
  plans.threshold = reals(record.fields, "threshold").at(0);
  plans.budget = reals(record.fields, "budget").at(0);
  plans.gains = integers(record.fields, "gain");
  plans.loss_errors = reals(record.fields, "loss_error");
  plans.predicted_mse = reals(record.fields, "predicted_mse");
  plans.assignment_keys = texts(record.fields, "assignment_key");
  plans.num_samples = integers(record.fields, "num_samples").at(0);
  plans.certificate.relative_gap = reals(record.fields, "certificate_gap").at(0);
  plans.certificate.nodes = integers(record.fields, "certificate_nodes").at(0);
  plans.certificate.proved = integers(record.fields, "certificate_proved").at(0) != 0;
  const auto& formats = integers(record.fields, "assignment");
  const auto num_ops = plans.gains.empty() ? 0 : formats.size() / plans.gains.size();
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (i % num_ops == 0) plans.assignments.emplace_back();
    plans.assignments.back().push_back({static_cast<std::size_t>(formats[i])});
  }
  return plans;
}

}  // namespace gainsweep::pipeline

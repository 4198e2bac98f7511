#include "pipeline/decide.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "pipeline/field.hpp"
#include "solve/solve.hpp"

namespace gainsweep::pipeline {
namespace {

constexpr std::int64_t stage_version = 1;

archive::Nature nature_of(gain::Objective objective) {
  return objective == gain::Objective::time ? archive::Nature::measured
                                            : archive::Nature::deterministic;
}

gain::GainTable gain_table(const Layout& layout, const spec::Spec& spec, gain::Objective objective,
                           const Measured& measured) {
  switch (objective) {
    case gain::Objective::time:
      if (!measured.times)
        throw Error(ErrorKind::config,
                    "solve.objectives: time is asked for, but nothing was timed. Run the latency "
                    "stage with this spec, or leave time out.");
      return gain::time(*measured.times);
    case gain::Objective::macs: {
      std::vector<double> rates;
      for (const auto& format : layout.formats) rates.push_back(spec::mac_rate(spec, format));
      return gain::macs(layout.partition, rates);
    }
    case gain::Objective::memory:
      break;
  }
  return gain::memory(layout.partition, layout.formats);
}

std::string digest_of(const Layout& layout, const sensitivity::LossErrors& errors,
                      const gain::GainTable& gains) {
  digest::Builder builder;
  builder.add("version", stage_version).add("length", layout.length);
  for (const auto& format : layout.formats) builder.add("name", format.name);
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto op : subgraph.ops) builder.add("op", static_cast<std::int64_t>(op.index));
  builder.add("mean_square_loss", errors.mean_square_loss).add("samples", errors.samples);
  for (const auto& row : errors.d)
    for (const double d : row) builder.add("d", d);
  for (std::size_t j = 0; j < gains.gains.size(); ++j)
    for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
      builder.add("gain", gains.gains[j][p]);
      for (const auto format : gains.configurations[j][p])
        builder.add("format", static_cast<std::int64_t>(format.index));
    }
  return builder.finish();
}

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
                                        const PlanPoint& point, const gain::GainTable& gains,
                                        const sensitivity::LossErrors& errors, double budget) {
  const auto ops = lowerables(layout, gains, errors);
  solve::OpFormats formats;
  for (const auto& op : ops) formats.push_back(op.formats);
  if (point.strategy == solve::Strategy::prefix)
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

Plans solve_point(const Layout& layout, const spec::Spec& spec, const PlanPoint& point,
                  const Decision& decision) {
  const auto& gains = decision.gains[point.objective];
  Plans plans;
  plans.threshold = spec.solve.thresholds[point.threshold];
  plans.budget = sensitivity::budget(spec.solve.loss_model, plans.threshold,
                                     decision.errors.mean_square_loss, layout.length);
  plans.num_samples = decision.errors.samples;
  if (point.strategy == solve::Strategy::ip) {
    const solve::Problem problem{choices(layout, gains, decision.errors), plans.budget};
    const auto solution = solve::dynamic_program(problem);
    plans.certificate = solve::certify(problem, solution);
    plans.assignments = {assignment_of(layout, gains, solution.choices)};
  } else {
    plans.assignments = baseline(layout, spec, point, gains, decision.errors, plans.budget);
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

archive::Record frontier_record(const Unit& unit, const Layout& layout, const spec::Spec& spec,
                                const PlanPoint& point, const Decision& decision) {
  const auto groups = choices(layout, decision.gains[point.objective], decision.errors);
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
  const Axes axis{{"row", gains.size()}};
  const auto objective = spec.solve.objectives[point.objective];
  return {unit.table,
          unit.nature,
          unit.key,
          unit.order,
          {integers("gain", gains, axis, gain_units(objective), "Gain of each Pareto-optimal plan"),
           reals("loss_error", costs, axis, "nat^2", "Sum of the ops' loss errors"),
           reals("predicted_mse", predicted, axis, "nat^2",
                 "Predicted mean square of the loss's change under the spec's loss model")}};
}

}  // namespace

const char* gain_units(gain::Objective objective) {
  switch (objective) {
    case gain::Objective::time:
      return "ns";
    case gain::Objective::memory:
      return "byte";
    case gain::Objective::macs:
      break;
  }
  return "1";
}

Decision decide(const Layout& layout, const spec::Spec& spec, const Measured& measured) {
  if (measured.scores.empty())
    throw Error(ErrorKind::input,
                "no calibration sample was scored, so there is nothing to plan with. The archive's "
                "table 'failures' says why.");
  Decision decision;
  decision.errors = sensitivity::loss_errors(measured.scores, layout.formats, spec.solve.noise);
  for (const auto objective : spec.solve.objectives) {
    decision.gains.push_back(gain_table(layout, spec, objective, measured));
    decision.digests.push_back(digest_of(layout, decision.errors, decision.gains.back()));
  }
  return decision;
}

std::vector<PlanPoint> plan_points(const spec::SolveSpec& spec) {
  std::vector<PlanPoint> points;
  for (std::size_t o = 0; o < spec.objectives.size(); ++o)
    for (const auto strategy : spec.strategies)
      for (std::size_t t = 0; t < spec.thresholds.size(); ++t)
        points.push_back({o, false, t, strategy});
  if (spec.frontier)
    for (std::size_t o = 0; o < spec.objectives.size(); ++o) points.push_back({o, true, 0, {}});
  return points;
}

std::vector<Unit> plan_units(const spec::Spec& spec, const Decision& decision) {
  std::vector<Unit> units;
  const auto points = plan_points(spec.solve);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto objective = spec.solve.objectives[points[i].objective];
    const std::string about = spelling(objective);
    const std::string how = points[i].is_frontier ? "frontier" : spelling(points[i].strategy);
    const double threshold = points[i].is_frontier ? 0 : spec.solve.thresholds[points[i].threshold];
    Unit unit;
    unit.stage = Stage::solve;
    unit.table = points[i].is_frontier ? "frontier/" + about : "plans/" + about + "/" + how;
    unit.nature = nature_of(objective);
    unit.label = how + " for " + about +
                 (points[i].is_frontier ? "" : " at threshold " + std::to_string(threshold));
    unit.order = i;
    unit.index = i;
    unit.key = digest::Builder()
                   .add("stage", "solve")
                   .add("decision", decision.digests[points[i].objective])
                   .add("about", about)
                   .add("how", how)
                   .add("threshold", threshold)
                   .add("loss_model", spelling(spec.solve.loss_model))
                   .add("seed", spec.seed)
                   .add("draws", spec.solve.draws)
                   .finish();
    units.push_back(std::move(unit));
  }
  return units;
}

archive::Record run_plan_unit(const Unit& unit, const Layout& layout, const spec::Spec& spec,
                              const Decision& decision) {
  const auto point = plan_points(spec.solve).at(unit.index);
  if (point.is_frontier) return frontier_record(unit, layout, spec, point, decision);
  return to_record(unit, solve_point(layout, spec, point, decision),
                   gain_units(spec.solve.objectives[point.objective]));
}

std::vector<archive::Table> gain_tables(const Layout& layout, const spec::Spec& spec,
                                        const Decision& decision) {
  std::vector<archive::Table> tables;
  for (std::size_t o = 0; o < decision.gains.size(); ++o) {
    const auto& gains = decision.gains[o];
    std::vector<std::int64_t> subgraphs, configurations, values;
    std::vector<std::string> formats;
    for (std::size_t j = 0; j < gains.gains.size(); ++j)
      for (std::size_t p = 0; p < gains.gains[j].size(); ++p) {
        subgraphs.push_back(static_cast<std::int64_t>(j));
        configurations.push_back(static_cast<std::int64_t>(p));
        values.push_back(gains.gains[j][p]);
        formats.push_back(joined_names(gains.configurations[j][p], layout.formats));
      }
    const auto objective = spec.solve.objectives[o];
    const Axes row{{"row", values.size()}};
    tables.push_back(
        {std::string("gains/") + spelling(objective),
         "What each configuration saves against the all-high one",
         nature_of(objective),
         {integers("subgraph", subgraphs, row, "1", "Index of the sub-graph"),
          integers("configuration", configurations, row, "1", "Index of the configuration"),
          texts("formats", formats, row, "Format of each op of the sub-graph"),
          integers("gain", values, row, gain_units(objective), "Gain of the configuration")}});
  }
  return tables;
}

}  // namespace gainsweep::pipeline

#include "pipeline/archived.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "batch/experiment.hpp"
#include "pipeline/anchor.hpp"
#include "pipeline/consultation.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/loss_set.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/score.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

std::size_t num_rows(const archive::Table& table) {
  return table.fields.front().shape.at(0);
}

// Scores and timings, as the units of the archive's own spec left them.
Measured to_measured(const archive::Contents& contents, const Layout& layout,
                     const spec::Spec& spec) {
  Measured measured;
  const auto& scores = archive::table(contents, "scores");
  for (std::size_t unit = 0; unit < num_rows(scores); ++unit)
    measured.scores.push_back(
        to_score(archive::row(scores, unit), layout.partition.ops, layout.formats.size() - 1));
  for (const auto& table : contents.tables)
    for (std::size_t unit = 0; table.path == "anchors" && unit < num_rows(table); ++unit)
      measured.anchors.push_back(to_anchors(archive::row(table, unit), layout.formats.size() - 1));
  const auto targets = timing_targets(layout, spec.latency);
  std::vector<std::vector<latency::Timings>> rounds(targets.size());
  bool any = false;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const auto found =
        std::find_if(contents.tables.begin(), contents.tables.end(),
                     [&](const auto& table) { return table.path == targets[t].table; });
    if (found == contents.tables.end()) continue;
    any = true;
    for (std::size_t unit = 0; unit < num_rows(*found); ++unit)
      rounds[t].push_back(to_timings(archive::row(*found, unit)));
  }
  if (any) measured.times = assign_times(layout, targets, rounds);
  return measured;
}

bool is_planned(const archive::Table& table) {
  const std::string_view path = table.path;
  return path.starts_with("plans/") || path.starts_with("programs/") ||
         path.starts_with("frontier/") || path.starts_with("gains/") || path == "objectives" ||
         path == "predictions" || path == "loss_errors" || path == "mean_changes" ||
         path == "bias_rates";
}

// Rows of losses on a set, by assignment, as the units of the archive's own spec left them.
struct ArchivedLosses {
  struct Plan {
    graph::Assignment assignment;
    archive::Nature nature;
    std::map<std::uint64_t, archive::Record> rows;  // by order
  };
  std::map<std::string, Plan> plans;  // by assignment key

  ArchivedLosses(const archive::Contents& contents, const std::string& path) {
    for (const auto& table : contents.tables) {
      if (table.path != path) continue;
      for (std::size_t unit = 0; unit < num_rows(table); ++unit) {
        auto record = archive::row(table, unit);
        auto& plan = plans[texts(record.fields, "assignment_key").at(0)];
        plan.assignment = to_assignment(integers(record.fields, "assignment"));
        plan.nature = table.nature;
        plan.rows.emplace(record.order, std::move(record));
      }
    }
  }
};

// Answers strategies from what an archive has; exact programs are solved on the way.
class Planner {
 public:
  Planner(const archive::Contents& contents, const Layout& layout, const spec::Spec& spec,
          const Decision& decision)
      : layout_(layout), spec_(spec), decision_(decision), searched_(contents, search_table) {}

  // The same units as in a run, done at once.
  batch::Experiment plans(batch::Results& results) {
    std::vector<batch::Unit> units;
    const auto all = questions(spec_.solve);
    for (std::size_t i = 0; i < all.size(); ++i) {
      batch::Unit unit;
      static_cast<batch::Ticket&>(unit) = ticket(spec_, all[i], i);
      std::vector<std::string> asked;
      auto fields = answer(all[i], asked);
      unit.key = key_of(all[i], asked);
      results.add(batch::record(unit, std::move(fields)));
      units.push_back(std::move(unit));
    }
    batch::Experiment experiment;
    experiment.stages = {
        {"planning", [units](const batch::Results&) { return batch::Call{units}; }, {}}};
    experiment.tables = [](const batch::Results&) { return std::vector<archive::Table>{}; };
    return experiment;
  }

 private:
  std::string key_of(const Question& question, const std::vector<std::string>& asked = {}) const {
    return key::plan(decision_.digests[question.objective], key_facts(spec_, question), asked);
  }

  batch::Fields answer(const Question& question, std::vector<std::string>& asked) {
    if (question.is_frontier()) return frontier(layout_, spec_, question, decision_);
    std::vector<graph::Assignment> missing;
    const auto plan = [&](double threshold) {
      const Question exact{question.objective, solve::exact_strategy, threshold};
      asked.push_back(key_of(exact));
      return std::optional(program(exact));
    };
    const auto losses = [&](const graph::Assignment& assignment) {
      auto found = losses_of(assignment, asked);
      if (!found) missing.push_back(assignment);
      return found;
    };
    auto [plans, is_program] = consult(layout_, spec_, question, decision_, {plan, losses});
    if (!plans) refuse(question, missing);
    if (is_program) asked.clear();  // it is that unit itself
    return to_fields(*plans, unit_of_gains(spec_, question));
  }

  const Plans& program(const Question& exact) {
    const auto place = std::pair{exact.objective, exact.threshold};
    const auto found = programs_.find(place);
    if (found != programs_.end()) return found->second;
    return programs_.emplace(place, solve_program(layout_, spec_, exact, decision_)).first->second;
  }

  std::optional<std::vector<double>> losses_of(const graph::Assignment& assignment,
                                               std::vector<std::string>& asked) const {
    const auto plan = searched_.plans.find(assignment_key(assignment, layout_.formats));
    if (plan == searched_.plans.end()) return std::nullopt;
    std::vector<double> all;
    for (const auto& [order, record] : plan->second.rows) {
      const auto& losses = reals(record.fields, "loss");
      all.insert(all.end(), losses.begin(), losses.end());
      asked.push_back(record.key);
    }
    if (all.size() != static_cast<std::size_t>(spec_.solve.search_samples)) return std::nullopt;
    return all;
  }

  [[noreturn]] void refuse(const Question& question,
                           const std::vector<graph::Assignment>& missing) const {
    std::string plans;
    for (const auto& assignment : missing) {
      const auto low = std::count_if(assignment.begin(), assignment.end(),
                                     [](const auto format) { return format != high_format; });
      plans += "\n  plan " + shown(assignment_key(assignment, layout_.formats)) + ", " +
               std::to_string(low) + " of " + std::to_string(assignment.size()) + " ops low";
    }
    throw Error(
        ErrorKind::config,
        "the strategy " + question.how + " for " + spec_.solve.objectives[question.objective] +
            " at threshold " + shortest(question.threshold) + " asks for losses on " +
            std::to_string(spec_.solve.search_samples) + " search samples that the archive lacks:" +
            plans + "\nRun the spec, or leave the strategy out of solve.strategies.");
  }

  const Layout& layout_;
  const spec::Spec& spec_;
  const Decision& decision_;
  const ArchivedLosses searched_;
  std::map<std::pair<std::size_t, double>, Plans> programs_;  // by objective and threshold
};

// In the order of a run's.
std::vector<Evaluated> evaluated(const archive::Contents& contents) {
  const ArchivedLosses losses(contents, evaluation_table);
  std::map<std::uint64_t, Evaluated> plans;
  for (const auto& [key, plan] : losses.plans)
    plans.emplace(plan.rows.begin()->first, Evaluated{plan.assignment, plan.nature});
  std::vector<Evaluated> ordered;
  for (auto& [order, plan] : plans) ordered.push_back(std::move(plan));
  return ordered;
}

void append(std::vector<archive::Table>& tables, std::vector<archive::Table> more) {
  std::move(more.begin(), more.end(), std::back_inserter(tables));
}

}  // namespace

std::vector<archive::Table> plan_archived(const archive::Contents& contents,
                                          const spec::Spec& spec) {
  const auto layout = to_layout(contents, spec.formats.formats, spec.calibration.length);
  const auto measured = to_measured(contents, layout, spec);
  const auto decision = decide(layout, spec, measured);
  std::vector<archive::Table> tables;
  for (const auto& table : contents.tables)
    if (!is_planned(table)) tables.push_back(table);
  batch::Results results;
  const auto plans = Planner(contents, layout, spec, decision).plans(results);
  append(tables, batch::tables(plans, results));
  append(tables, gain_tables(layout, spec, decision));
  append(tables, prediction_tables(layout, spec, measured, evaluated(contents)));
  return tables;
}

}  // namespace gainsweep::pipeline

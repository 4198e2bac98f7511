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
#include "pipeline/given_plans.hpp"
#include "pipeline/imported_times.hpp"
#include "pipeline/loss_set.hpp"
#include "pipeline/plans.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/savings.hpp"
#include "pipeline/score.hpp"
#include "pipeline/stability.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

std::size_t num_rows(const archive::Table& table) {
  return table.fields.front().shape.at(0);
}

// Timings, as the units of the archive's own spec left them.
struct Timed {
  std::optional<gain::Times> times;  // none where no sub-graph was timed
  std::vector<TimedContest> contests;
};

const archive::Table* find(const archive::Contents& contents, const std::string& path) {
  const auto found = std::find_if(contents.tables.begin(), contents.tables.end(),
                                  [&](const auto& table) { return table.path == path; });
  return found == contents.tables.end() ? nullptr : &*found;
}

std::vector<latency::Timings> rounds_of(const archive::Table* table) {
  std::vector<latency::Timings> rounds;
  for (std::size_t unit = 0; table != nullptr && unit < num_rows(*table); ++unit)
    rounds.push_back(to_timings(archive::row(*table, unit)));
  return rounds;
}

// In the order of their first rounds, which is a run's.
std::vector<TimedContest> plan_contests(const archive::Table* table) {
  std::vector<TimedContest> contests;
  for (std::size_t unit = 0; table != nullptr && unit < num_rows(*table); ++unit) {
    const auto record = archive::row(*table, unit);
    const auto& key = texts(record.fields, "assignment_key").at(0);
    auto known = std::find_if(contests.begin(), contests.end(),
                              [&](const auto& contest) { return contest.assignment_key == key; });
    if (known == contests.end())
      known = contests.insert(contests.end(), {plan_times_table, key, "plan " + shown(key), {}});
    known->timings = latency::concatenate({known->timings, to_timings(record)});
  }
  return contests;
}

Timed to_timed(const archive::Contents& contents, const Layout& layout, const spec::Spec& spec) {
  if (!spec::measures(spec.latency)) {
    auto times = to_given_times(contents, layout);
    return {times ? std::move(times) : to_imported_times(contents, layout), {}};
  }
  const auto targets = timing_targets(layout, spec.latency);
  std::vector<std::vector<latency::Timings>> rounds;
  for (const auto& target : targets) rounds.push_back(rounds_of(find(contents, target.table)));
  Timed timed;
  timed.contests = timed_contests(targets, rounds);
  if (!timed.contests.empty()) timed.times = assign_times(layout, spec, targets, rounds);
  auto of_plans = plan_contests(find(contents, plan_times_table));
  std::move(of_plans.begin(), of_plans.end(), std::back_inserter(timed.contests));
  return timed;
}

// Scores, as the units of the archive's own spec left them.
Measured to_measured(const archive::Contents& contents, const Layout& layout) {
  Measured measured;
  const auto& scores = archive::table(contents, "scores");
  for (std::size_t unit = 0; unit < num_rows(scores); ++unit)
    measured.scores.push_back(
        to_score(archive::row(scores, unit), layout.partition.ops, layout.formats.size() - 1));
  for (const auto& table : contents.tables)
    for (std::size_t unit = 0; table.path == "anchors" && unit < num_rows(table); ++unit)
      measured.anchors.push_back(to_anchors(archive::row(table, unit), layout.formats.size() - 1));
  return measured;
}

bool is_planned(const archive::Table& table) {
  const std::string_view path = table.path;
  return path.starts_with("plans/") || path.starts_with("programs/") ||
         path.starts_with("frontier/") || path.starts_with("budgets/") ||
         path.starts_with("gains/") || path == "resources" || path.starts_with("resamples/") ||
         path.starts_with("stability/") || path.starts_with("given_") || path == "objectives" ||
         path == "predictions" || path == "loss_errors" || path == "shrinkage" ||
         path == "mean_changes" || path == "bias_rates" || path == "contests" || path == "savings";
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

  /// Assignments of the plans that were made.
  const std::vector<graph::Assignment>& told_plans() const { return told_; }

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
    for (const auto& block : resample_blocks(spec_.solve)) {
      batch::Unit unit;
      static_cast<batch::Ticket&>(unit) = pipeline::ticket(
          spec_, block, decision_.digests[block.objective], decision_.resampling->digest());
      results.add(batch::record(unit, solve_block(layout_, spec_, block, decision_)));
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
    return key::plan(decision_.digests[question.aim], key_facts(spec_, question), asked);
  }

  batch::Fields answer(const Question& question, std::vector<std::string>& asked) {
    if (question.is_frontier()) return frontier(layout_, spec_, question, decision_);
    std::vector<graph::Assignment> missing;
    const auto plan = [&](double threshold) {
      const Question exact{question.aim, solve::exact_strategy, threshold};
      asked.push_back(key_of(exact));
      return std::optional(program(exact));
    };
    const auto scored = [&](const ScoredQuestion& asked_for) {
      const auto& objective = decision_.aims[question.aim].objective;
      asked.push_back(
          key::scored_program(decision_.digests[question.aim], objective, digest_of(asked_for)));
      return std::optional(solve_scored(layout_, decision_, question.aim, asked_for));
    };
    const auto searched = [&](const graph::Assignment& assignment) {
      auto found = searched_of(assignment, asked);
      if (!found) missing.push_back(assignment);
      return found;
    };
    auto [plans, is_program] =
        consult(layout_, spec_, question, decision_, {plan, scored, searched});
    if (!plans) refuse(question, missing);
    if (is_program) asked.clear();  // it is that unit itself
    for (auto& assignment : told(spec_, question, *plans)) told_.push_back(std::move(assignment));
    return to_fields(*plans, spec_, question);
  }

  const Plans& program(const Question& exact) {
    const auto place = std::pair{exact.aim, exact.threshold};
    const auto found = programs_.find(place);
    if (found != programs_.end()) return found->second;
    return programs_.emplace(place, solve_program(layout_, spec_, exact, decision_)).first->second;
  }

  std::optional<sensitivity::Searched> searched_of(const graph::Assignment& assignment,
                                                   std::vector<std::string>& asked) const {
    const auto plan = searched_.plans.find(assignment_key(assignment, layout_.formats));
    if (plan == searched_.plans.end()) return std::nullopt;
    sensitivity::Searched all;
    for (const auto& [order, record] : plan->second.rows) {
      add(all, record.fields);
      asked.push_back(record.key);
    }
    if (all.losses.size() != static_cast<std::size_t>(spec_.solve.search_samples))
      return std::nullopt;
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
    throw Error(ErrorKind::config,
                "the strategy " + question.how + " for " + decision_.aims[question.aim].objective +
                    " at threshold " + shortest(question.threshold) + " asks for losses on " +
                    std::to_string(spec_.solve.search_samples) +
                    " search samples that the archive lacks:" + plans +
                    "\nRun the spec, or leave the strategy out of solve.strategies.");
  }

  const Layout& layout_;
  const spec::Spec& spec_;
  const Decision& decision_;
  const ArchivedLosses searched_;
  std::map<std::pair<std::size_t, double>, Plans> programs_;  // by aim and threshold
  std::vector<graph::Assignment> told_;
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
  const auto layout = to_layout(contents, spec.formats.formats);
  auto measured = to_measured(contents, layout);
  const auto timed = to_timed(contents, layout, spec);
  measured.times = timed.times;
  const auto decision = decide(layout, spec, measured);
  std::vector<archive::Table> tables;
  for (const auto& table : contents.tables)
    if (!is_planned(table)) tables.push_back(table);
  batch::Results results;
  Planner planner(contents, layout, spec, decision);
  append(tables, batch::tables(planner.plans(results), results));
  append(tables, gain_tables(layout, spec, decision));
  append(tables, stability_tables(layout, spec, decision, results));
  append(tables, contest_tables(spec, timed.contests));
  const auto given = to_given_plans(contents, spec);
  append(tables, given_tables(layout, spec, decision, given));
  auto assignments = planner.told_plans();
  const auto measured_plans = evaluated(contents);
  const graph::Assignment all_high(layout.partition.ops.size(), high_format);
  for (const auto& plan : measured_plans)
    if (plan.assignment != all_high) assignments.push_back(plan.assignment);
  for (auto& plan : distinct(given)) assignments.push_back(std::move(plan));
  append(tables, saving_tables(layout, spec, decision.times, assignments));
  append(tables, prediction_tables(layout, spec, measured, measured_plans));
  return tables;
}

}  // namespace gainsweep::pipeline

#include "pipeline/scored_program.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "archive/field.hpp"
#include "digest/digest.hpp"
#include "pipeline/exact_program.hpp"
#include "pipeline/plans.hpp"
#include "solve/quadratic.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

// A search of so many nodes takes seconds where a program has hundreds of pairs.
constexpr std::int64_t most_nodes = 100;

ScoredProgram solve_exact(const Layout& layout, const Decision& decision, std::size_t aim,
                          const ScoredQuestion& question) {
  auto errors = decision.errors;
  for (auto& own : errors.d) std::fill(own.begin(), own.end(), 0.0);
  const auto& lowerables = decision.lowerables[aim];
  // Ops that are lowered as one always have one format: the first stands for all.
  for (std::size_t i = 0; i < lowerables.size(); ++i)
    for (std::size_t f = 0; f < lowerables[i].formats.size(); ++f)
      errors.d[lowerables[i].ops.front().index][lowerables[i].formats[f].format] =
          question.scores[i][f];
  const ExactProgram program(layout, decision, errors, aim, question.limit);
  const auto [solution, certificate] = program.solve();
  return {program.assignment(solution.choices), certificate};
}

/// Where a lowerable is: its sub-graph, and its first op's place in it.
struct Place {
  std::size_t subgraph = 0, op = 0;
};

/// A quadratic program: a group a sub-graph, a choice a configuration.
class Quadratic {
 public:
  Quadratic(const Layout& layout, const Decision& decision, std::size_t aim,
            const ScoredQuestion& question)
      : partition_(layout.partition),
        table_(decision.gains[aim]),
        lowerables_(decision.lowerables[aim]) {
    find_places();
    add_choices(question.scores);
    for (const auto& interaction : question.interactions) add(interaction);
    for (const auto& [choices, cost] : pairs_)
      problem_.pairs.push_back({choices.first.first, choices.first.second, choices.second.first,
                                choices.second.second, cost});
    std::int64_t most = 0;
    for (const auto& group : problem_.groups)
      most += std::max_element(group.begin(), group.end(), [](const auto& a, const auto& b) {
                return a.gain < b.gain;
              })->gain;
    problem_.least_gain =
        static_cast<std::int64_t>(std::floor(question.limit * static_cast<double>(most)));
  }

  ScoredProgram solve() const {
    const auto [solution, certificate] = solve::solve_quadratic(problem_, most_nodes);
    graph::Assignment assignment(partition_.ops.size(), high_format);
    for (std::size_t j = 0; j < solution.choices.size(); ++j) {
      const auto& configuration = table_.configurations[j][solution.choices[j]];
      for (std::size_t i = 0; i < configuration.size(); ++i)
        assignment[partition_.subgraphs[j].ops[i].index] = configuration[i];
    }
    return {assignment, certificate};
  }

 private:
  using Chosen = std::pair<std::size_t, std::size_t>;  ///< group and choice

  void find_places() {
    std::map<std::size_t, Place> by_op;
    for (std::size_t j = 0; j < partition_.subgraphs.size(); ++j)
      for (std::size_t i = 0; i < partition_.subgraphs[j].ops.size(); ++i)
        by_op[partition_.subgraphs[j].ops[i].index] = {j, i};
    for (const auto& lowerable : lowerables_)
      places_.push_back(by_op.at(lowerable.ops.front().index));
  }

  std::size_t format(std::size_t lowerable, std::size_t place) const {
    return lowerables_[lowerable].formats[place].format;
  }

  /// Configurations of a lowerable's sub-graph that have it in a format.
  template <class Visit>
  void visit(std::size_t lowerable, std::size_t format, const Visit& visit) const {
    const auto [group, op] = places_[lowerable];
    for (std::size_t c = 0; c < table_.configurations[group].size(); ++c)
      if (table_.configurations[group][c][op].index == format) visit(Chosen{group, c});
  }

  void add_choices(const solve::Scores& scores) {
    for (const auto& gains : table_.gains) {
      auto& group = problem_.groups.emplace_back();
      for (const auto gain : gains) group.push_back({gain, 0});
    }
    for (std::size_t i = 0; i < scores.size(); ++i)
      for (std::size_t f = 0; f < scores[i].size(); ++f)
        visit(i, format(i, f), [&](const Chosen& chosen) {
          problem_.groups[chosen.first][chosen.second].cost += scores[i][f];
        });
  }

  void add(const solve::Interaction& pair) {
    const auto low = format(pair.op, pair.place), other_low = format(pair.other, pair.other_place);
    const auto other_op = places_[pair.other].op;
    visit(pair.op, low, [&](const Chosen& one) {
      if (places_[pair.op].subgraph == places_[pair.other].subgraph) {
        const auto& configuration = table_.configurations[one.first][one.second];
        if (configuration[other_op].index == other_low)
          problem_.groups[one.first][one.second].cost += pair.score;
        return;
      }
      visit(pair.other, other_low,
            [&](const Chosen& other) { pairs_[std::minmax(one, other)] += pair.score; });
    });
  }

  const graph::Partition& partition_;
  const gain::GainTable& table_;
  const std::vector<Lowerable>& lowerables_;
  std::vector<Place> places_;
  std::map<std::pair<Chosen, Chosen>, double> pairs_;
  solve::QuadraticProblem problem_;
};

}  // namespace

ScoredProgram solve_scored(const Layout& layout, const Decision& decision, std::size_t aim,
                           const ScoredQuestion& question) {
  if (question.is_quadratic) return Quadratic(layout, decision, aim, question).solve();
  return solve_exact(layout, decision, aim, question);
}

std::string digest_of(const ScoredQuestion& question) {
  digest::Builder builder;
  for (const auto& own : question.scores)
    for (const double score : own) builder.add("score", score);
  for (const auto& pair : question.interactions)
    builder.add("op", static_cast<std::int64_t>(pair.op))
        .add("place", static_cast<std::int64_t>(pair.place))
        .add("other", static_cast<std::int64_t>(pair.other))
        .add("other_place", static_cast<std::int64_t>(pair.other_place))
        .add("score", pair.score);
  if (question.is_quadratic) builder.add("nodes", most_nodes);
  return builder.add("limit", question.limit).finish();
}

batch::Fields to_fields(const ScoredProgram& program, const ScoredQuestion& question) {
  const auto& [assignment, certificate] = program;
  auto limit = question.is_quadratic
                   ? reals("least_gain", {question.limit}, {}, "1",
                           "Part of the most that any plan gains that the plan has to gain")
                   : reals("limit", {question.limit}, {}, "1",
                           "Largest allowed sum of the strategy's scores");
  batch::Fields fields{std::move(limit),
                       integers("assignment", to_indices(assignment), {{"op", assignment.size()}},
                                "1", "Index of each op's format")};
  for (auto& field : certificate_fields(certificate)) fields.push_back(std::move(field));
  return fields;
}

ScoredProgram to_scored_program(const archive::Record& record) {
  return {to_assignment(integers(record.fields, "assignment")), to_certificate(record.fields)};
}

}  // namespace gainsweep::pipeline

#include "pipeline/scored_program.hpp"

#include <algorithm>

#include "archive/field.hpp"
#include "digest/digest.hpp"
#include "pipeline/exact_program.hpp"

namespace gainsweep::pipeline {

using archive::integers, archive::reals;

ScoredProgram solve_scored(const Layout& layout, const Decision& decision, std::size_t aim,
                           const solve::Scores& scores, double limit) {
  auto errors = decision.errors;
  for (auto& own : errors.d) std::fill(own.begin(), own.end(), 0.0);
  const auto& lowerables = decision.lowerables[aim];
  // Ops that are lowered as one always have one format: the first stands for all.
  for (std::size_t i = 0; i < lowerables.size(); ++i)
    for (std::size_t f = 0; f < lowerables[i].formats.size(); ++f)
      errors.d[lowerables[i].ops.front().index][lowerables[i].formats[f].format] = scores[i][f];
  const ExactProgram program(layout, decision, errors, aim, limit);
  const auto [solution, certificate] = program.solve();
  return {program.assignment(solution.choices), certificate};
}

std::string digest_of(const solve::Scores& scores, double limit) {
  digest::Builder builder;
  for (const auto& own : scores)
    for (const double score : own) builder.add("score", score);
  return builder.add("limit", limit).finish();
}

batch::Fields to_fields(const ScoredProgram& program, double limit) {
  const auto& [assignment, certificate] = program;
  return {reals("limit", {limit}, {}, "1", "Largest allowed sum of the strategy's scores"),
          integers("assignment", to_indices(assignment), {{"op", assignment.size()}}, "1",
                   "Index of each op's format"),
          reals("certificate_gap", {certificate.relative_gap}, {}, "1",
                "Relative difference between the integer program's certificate and the plan"),
          integers("certificate_nodes", {certificate.nodes}, {}, "1",
                   "Branch-and-bound nodes of the certificate"),
          integers("certificate_proved", {certificate.proved ? 1 : 0}, {}, "1",
                   "0 where the certificate's search ended at its limit of nodes")};
}

ScoredProgram to_scored_program(const archive::Record& record) {
  ScoredProgram program{to_assignment(integers(record.fields, "assignment")), {}};
  program.certificate.relative_gap = reals(record.fields, "certificate_gap").at(0);
  program.certificate.nodes = integers(record.fields, "certificate_nodes").at(0);
  program.certificate.proved = integers(record.fields, "certificate_proved").at(0) != 0;
  return program;
}

}  // namespace gainsweep::pipeline

#pragma once

#include "archive/table.hpp"
#include "batch/unit.hpp"
#include "pipeline/decision.hpp"
#include "solve/strategy.hpp"

/// Exact programs on scores that strategies bring.
namespace gainsweep::pipeline {

/// A plan with its certificate.
struct ScoredProgram {
  graph::Assignment assignment;
  solve::Certificate certificate;
};

/// The plan of an aim's largest gain whose scores, by its lowerables, add up to `limit` at most.
ScoredProgram solve_scored(const Layout& layout, const Decision& decision, std::size_t aim,
                           const solve::Scores& scores, double limit);

/// Of everything that the program follows from beside the decision.
std::string digest_of(const solve::Scores& scores, double limit);

/// A record of it, and back.
batch::Fields to_fields(const ScoredProgram& program, double limit);
ScoredProgram to_scored_program(const archive::Record& record);

}  // namespace gainsweep::pipeline

#pragma once

#include <string>
#include <vector>

#include "archive/table.hpp"
#include "batch/unit.hpp"
#include "pipeline/decision.hpp"
#include "solve/strategy.hpp"

/// Programs on scores that strategies bring.
namespace gainsweep::pipeline {

/// What is asked: of an aim's plans, by its lowerables, the one of the largest gain whose scores
/// add up to `limit` at most; or, if it is quadratic, that of the least sum of scores and
/// interactions that gains `limit` of the most that any plan gains.
struct ScoredQuestion {
  solve::Scores scores;
  std::vector<solve::Interaction> interactions{};
  double limit = 0;
  bool is_quadratic = false;
};

/// A plan with its certificate.
struct ScoredProgram {
  graph::Assignment assignment;
  solve::Certificate certificate;
};

ScoredProgram solve_scored(const Layout& layout, const Decision& decision, std::size_t aim,
                           const ScoredQuestion& question);

/// Of everything that the program follows from beside the decision.
std::string digest_of(const ScoredQuestion& question);

/// A record of it, and back.
batch::Fields to_fields(const ScoredProgram& program, const ScoredQuestion& question);
ScoredProgram to_scored_program(const archive::Record& record);

}  // namespace gainsweep::pipeline

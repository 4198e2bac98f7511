#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/consultation.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {

/// Units that answers to so many questions of a strategy may take.
std::size_t most_units(const solve::MostAsked& most, const LossSet& search);

/// One call of the stage of planning once a decision is there: asks the strategies, in the order in
/// which the questions are put, and gathers the units that their answers need.
class Inquiry {
 public:
  Inquiry(const Bench& bench, const batch::Results& results,
          std::shared_ptr<const Decision> decision);

  /// Puts a question; `place` is its place among the spec's.
  void ask(const Question& question, std::size_t place);

  /// The plans that answer a question that was put; none while they are not known.
  std::optional<Plans> answer(std::size_t place) const;

  /// Whether an answer may still come.
  bool is_open(std::size_t place) const;

  /// Adds a unit unless it was named before; its record, null while it is missing or failed.
  const archive::Record* need(batch::Unit unit);

  /// So many more units may come.
  void expect(std::size_t units) { call_.may_come += units; }

  batch::Call finish() && { return std::move(call_); }

 private:
  struct Asked;

  void put_frontier(const Question& question, std::size_t place);
  void put_silent(const Question& question, std::size_t place);
  void put_asking(const Question& question, std::size_t place, const solve::MostAsked& most);
  std::optional<Plans> program(const Question& question, double threshold, Asked& asked);
  std::optional<ScoredProgram> program(const Question& question, const ScoredQuestion& scored,
                                       Asked& asked);
  std::optional<sensitivity::Searched> searched(const Question& question,
                                                const graph::Assignment& assignment, Asked& asked);
  batch::Unit unit_of(const Question& question, std::size_t place,
                      const std::vector<std::string>& asked = {}) const;

  const Bench& bench_;
  const batch::Results& results_;
  std::shared_ptr<const Decision> decision_;
  std::vector<Question> questions_;   ///< of the spec
  std::vector<std::string> answers_;  ///< keys of the units that answer questions, by place
  std::set<std::size_t> left_out_;    ///< places of questions that nothing can answer
  std::map<graph::Assignment, std::size_t> searched_;  ///< with their rows
  std::set<std::string> named_;
  batch::Call call_;
};

}  // namespace gainsweep::pipeline

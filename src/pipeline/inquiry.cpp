#include "pipeline/inquiry.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "base/text.hpp"
#include "pipeline/evaluation.hpp"

namespace gainsweep::pipeline {
/// What one question led to.
struct Inquiry::Asked {
  std::vector<std::string> keys;  ///< of units whose results the strategy saw
  std::string failed;             ///< label of a unit that it needs and that failed
};

std::size_t most_units(const solve::MostAsked& most, const LossSet& search) {
  // All-high is measured beside the plans.
  const auto measured = most.qualities == 0 ? 0 : most.qualities + 1;
  return most.programs + measured * search.chunks.size();
}

Inquiry::Inquiry(const Bench& bench, const batch::Results& results,
                 std::shared_ptr<const Decision> decision)
    : bench_(bench),
      results_(results),
      decision_(std::move(decision)),
      questions_(questions(bench->subject->spec.solve)),
      answers_(questions_.size()) {}

void Inquiry::ask(const Question& question, std::size_t place) {
  if (question.is_frontier()) return put_frontier(question, place);
  const auto most = solve::strategies()
                        .at(question.how)
                        .most_asked(numbers(bench_->subject->spec, *decision_, question.aim));
  if (most.programs + most.qualities == 0) return put_silent(question, place);
  put_asking(question, place, most);
}

std::optional<Plans> Inquiry::answer(std::size_t place) const {
  const auto* record = answers_[place].empty() ? nullptr : results_.find(answers_[place]);
  if (record == nullptr) return std::nullopt;
  return to_plans(*record);
}

bool Inquiry::is_open(std::size_t place) const {
  return left_out_.count(place) == 0 &&
         (answers_[place].empty() || !results_.is_over(answers_[place]));
}

const archive::Record* Inquiry::need(batch::Unit unit) {
  const auto* record = results_.find(unit.key);
  if (named_.insert(unit.key).second) call_.units.push_back(std::move(unit));
  return record;
}

batch::Unit Inquiry::unit_of(const Question& question, std::size_t place,
                             const std::vector<std::string>& asked) const {
  const auto& spec = bench_->subject->spec;
  batch::Unit unit;
  static_cast<batch::Ticket&>(unit) = ticket(spec, question, place);
  unit.key = key::plan(decision_->digests[question.aim], key_facts(spec, question), asked);
  return unit;
}

void Inquiry::put_frontier(const Question& question, std::size_t place) {
  auto unit = unit_of(question, place);
  unit.work = [about = bench_->subject, decision = decision_,
               question](batch::Context&) -> batch::Product {
    return frontier(about->layout, about->spec, question, *decision);
  };
  need(std::move(unit));
}

void Inquiry::put_silent(const Question& question, std::size_t place) {
  auto unit = unit_of(question, place);
  answers_[place] = unit.key;
  unit.work = [about = bench_->subject, decision = decision_,
               question](batch::Context&) -> batch::Product {
    const auto& [layout, spec] = std::tie(about->layout, about->spec);
    const auto found = consult(layout, spec, question, *decision, {});
    return to_fields(*found.plans, spec, question);
  };
  need(std::move(unit));
}

void Inquiry::put_asking(const Question& question, std::size_t place,
                         const solve::MostAsked& most) {
  const auto& [layout, spec] = std::tie(bench_->subject->layout, bench_->subject->spec);
  Asked asked;
  const Sources sources{
      [&](double threshold) { return program(question, threshold, asked); },
      [&](const ScoredQuestion& scored) { return program(question, scored, asked); },
      [&](const graph::Assignment& plan) { return searched(question, plan, asked); }};
  auto [plans, is_program] = consult(layout, spec, question, *decision_, sources);
  if (!plans && asked.failed.empty()) {
    const auto units = most_units(most, bench_->search);
    call_.may_come += units - std::min(units, asked.keys.size());
  } else if (!plans) {
    left_out_.insert(place);
    // The failure of the question's own unit needs no second sentence.
    if (asked.failed != ticket(spec, question, place).label)
      call_.obstacles.push_back("the plan of " + question.how + " at threshold " +
                                shortest(question.threshold) + " is left out: " + asked.failed +
                                " failed.");
  } else if (is_program) {
    answers_[place] = asked.keys.front();
  } else {
    auto unit = unit_of(question, place, asked.keys);
    answers_[place] = unit.key;
    unit.work = [plans = *std::move(plans), about = bench_->subject,
                 question](batch::Context&) -> batch::Product {
      return to_fields(plans, about->spec, question);
    };
    need(std::move(unit));
  }
}

// The exact program under a threshold of the grid is the plan of `ip` there.
std::optional<Plans> Inquiry::program(const Question& question, double threshold, Asked& asked) {
  const Question exact{question.aim, solve::exact_strategy, threshold};
  const auto found = std::find(questions_.begin(), questions_.end(), exact);
  auto unit = unit_of(exact, static_cast<std::size_t>(found - questions_.begin()));
  if (found == questions_.end()) {
    unit.table = "programs/" + decision_->aims[question.aim].objective;
    unit.order = std::bit_cast<std::uint64_t>(threshold);  // rises with it
  }
  unit.work = [about = bench_->subject, decision = decision_,
               exact](batch::Context&) -> batch::Product {
    return to_fields(solve_program(about->layout, about->spec, exact, *decision), about->spec,
                     exact);
  };
  asked.keys.push_back(unit.key);
  if (results_.failure(unit.key)) asked.failed = unit.label;
  const auto* record = need(std::move(unit));
  if (record == nullptr) return std::nullopt;
  return to_plans(*record);
}

std::optional<ScoredProgram> Inquiry::program(const Question& question,
                                              const ScoredQuestion& scored, Asked& asked) {
  const auto& objective = decision_->aims[question.aim].objective;
  batch::Unit unit;
  unit.table = "programs/" + objective + "/" + question.how;
  unit.label = "program of " + question.how + " for " + objective + " at " + shortest(scored.limit);
  unit.nature = nature_of(bench_->subject->spec, objective);
  unit.order = std::bit_cast<std::uint64_t>(scored.limit);  // rises with it
  unit.key = key::scored_program(decision_->digests[question.aim], objective, digest_of(scored));
  unit.work = [about = bench_->subject, decision = decision_, aim = question.aim,
               scored](batch::Context&) -> batch::Product {
    return to_fields(solve_scored(about->layout, *decision, aim, scored), scored);
  };
  asked.keys.push_back(unit.key);
  if (results_.failure(unit.key)) asked.failed = unit.label;
  const auto* record = need(std::move(unit));
  if (record == nullptr) return std::nullopt;
  return to_scored_program(*record);
}

std::optional<sensitivity::Searched> Inquiry::searched(const Question& question,
                                                       const graph::Assignment& assignment,
                                                       Asked& asked) {
  const auto place = searched_.try_emplace(assignment, searched_.size()).first->second;
  const auto& spec = bench_->subject->spec;
  const auto nature = nature_of(spec, decision_->aims[question.aim].objective);
  const auto units = loss_units(bench_, results_, bench_->search, {assignment, nature}, place);
  for (const auto& unit : units) {
    asked.keys.push_back(unit.key);
    if (results_.failure(unit.key)) asked.failed = unit.label;
    need(unit);
  }
  return gathered(results_, units);
}

}  // namespace gainsweep::pipeline

#include "pipeline/contest.hpp"

#include <algorithm>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/card_states.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

const latency::Timings& parsed(Workbench& bench, const archive::Record& record) {
  const auto found = bench.rounds.find(record.key);
  if (found != bench.rounds.end()) return found->second;
  return bench.rounds.emplace(record.key, to_timings(record)).first->second;
}

template <class T>
std::vector<std::vector<T>> fold(const std::vector<T>& flat, std::size_t rows) {
  std::vector<std::vector<T>> folded;
  const auto width = static_cast<std::ptrdiff_t>(rows == 0 ? 0 : flat.size() / rows);
  auto begin = flat.begin();
  for (; folded.size() < rows; begin += width) folded.emplace_back(begin, begin + width);
  return folded;
}

batch::Unit round_unit(const ContestTicket& contest, key::Round round) {
  batch::Unit unit;
  static_cast<batch::Ticket&>(unit) = contest.first;
  unit.order += static_cast<std::uint64_t>(round.number);
  unit.label += ", round " + std::to_string(round.number);
  unit.key = contest.key(round);
  unit.work = [work = contest.work, number = round.number](batch::Context&) {
    return work(number);
  };
  return unit;
}

// The rounds of one attempt at a contest: those stored, then the next unless it is over.
struct Attempt {
  Rounds rounds;
  bool is_over = false;  // by the stopping rule, or because a round failed
  bool is_of_this_host = true;
  std::optional<batch::Unit> further;  // the round behind all other contests, still to be done
};

// The round that finished ones call for when they are not precise.
void go_on(Workbench& bench, const batch::Results& results, const ContestTicket& contest,
           key::Round round, Attempt& attempt) {
  auto& [units, timings, may_come] = attempt.rounds;
  if (!latency::may_go_on(latency::concatenate(timings), bench.subject->spec.latency.rule)) return;
  auto unit = round_unit(contest, round);
  if (const auto* record = results.find(unit.key))
    timings.push_back(parsed(bench, *record));
  else if (!results.is_over(unit.key)) {
    if (attempt.is_of_this_host) attempt.further = std::move(unit);
    return;
  }
  units.push_back(std::move(unit));
}

Attempt attempted(Workbench& bench, const batch::Results& results, const ContestTicket& contest,
                  std::int64_t number) {
  const auto& rule = bench.subject->spec.latency.rule;
  Attempt attempt;
  auto& [units, timings, may_come] = attempt.rounds;
  for (std::int64_t round = 0;; ++round) {
    units.push_back(round_unit(contest, {number, round}));
    const auto* record = results.find(units.back().key);
    if (record == nullptr) {
      attempt.is_over = results.is_over(units.back().key);
      if (!attempt.is_over)
        may_come =
            static_cast<std::size_t>(std::max<std::int64_t>(0, most_rounds(rule) - round - 1));
      return attempt;
    }
    const auto& host = texts(record->fields, "host").at(0);
    attempt.is_of_this_host = attempt.is_of_this_host && host == bench.subject->host;
    timings.push_back(parsed(bench, *record));
    attempt.is_over = latency::finished(latency::concatenate(timings), rule);
    if (attempt.is_over) {
      go_on(bench, results, contest, {number, round + 1}, attempt);
      return attempt;
    }
  }
}

// The attempt that counts: the first that is over, or this host's.
Attempt standing(Workbench& bench, const batch::Results& results, const ContestTicket& contest) {
  std::optional<Attempt> ours;
  for (std::int64_t number = 0;; ++number) {
    auto found = attempted(bench, results, contest, number);
    if (found.is_over) return found;
    if (found.rounds.timings.empty()) return ours ? *std::move(ours) : std::move(found);
    if (found.is_of_this_host) ours = std::move(found);
  }
}

struct TimedRound {
  std::vector<double> warmup;
  latency::Timings timings;
  std::int64_t compiled = 0;  // by the warm-up
};

// A round in which the device compiles is no measurement of the programs. It counts as a further
// warm-up, as a bridge may store what it compiled a while later.
TimedRound timed_round(Workbench& bench, std::int64_t round) {
  constexpr int most_attempts = 3;
  const auto& spec = bench.subject->spec;
  const auto& compilations = bench.subject->device->compilations;
  const auto count = [&] { return compilations ? compilations() : 0; };
  auto& contest = *bench.timed.contest;
  const auto begin = count();
  std::int64_t late = 0;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    auto warmup = latency::warm_up(contest, spec.latency.rule);
    const auto warm = count();
    auto timings =
        latency::measure(contest, spec.latency.rule.least_repetitions,
                         static_cast<std::uint64_t>(spec.seed), static_cast<std::uint64_t>(round));
    late = count() - warm;
    if (late == 0) return {std::move(warmup), std::move(timings), warm - begin};
  }
  throw Error(ErrorKind::internal,
              "device " + bench.subject->device->name + " compiled " + std::to_string(late) +
                  " graphs between the first and the last timed run of each of " +
                  std::to_string(most_attempts) +
                  " attempts (some configuration is another graph at each run), so their times are "
                  "not those of the programs. Report it with the spec");
}

}  // namespace

batch::Fields run_round(Workbench& bench, std::int64_t round) {
  const auto& subject = *bench.subject;
  const auto [warmup, timings, compiled] = timed_round(bench, round);
  const auto& contest = *bench.timed.contest;
  const auto& kernels = bench.timed.kernels;
  const std::size_t blocks = timings.seconds.size(), configurations = contest.programs.size();
  batch::Fields fields{
      integers("round", {round}, {}, "1",
               "Round of blocks; further rounds are added until the stopping rule is met"),
      texts("host", {subject.host}, {}, "Machine that the round was timed on"),
      reals("seconds", archive::flatten(timings.seconds),
            {{"block", blocks}, {"configuration", configurations}}, "s",
            "Time of one run; configuration 0 is all-high"),
      integers(
          "order", archive::flatten(timings.order),
          {{"block", blocks}, {"place", timings.order.empty() ? 0 : timings.order.front().size()}},
          "1", "Configuration timed at each place of the block"),
      integers("warm_up_runs", {static_cast<std::int64_t>(warmup.size())}, {}, "1",
               "Runs of the baseline before the round's first block"),
      reals("warm_up_last", {warmup.empty() ? 0 : warmup.back()}, {}, "s",
            "Time of the last of them"),
      texts("kernels", kernels, {{"kernel", kernels.size()}},
            "Kernels that linear layers and convolutions ran on, as the library names them")};
  if (subject.device->compilations)
    fields.push_back(integers("warm_up_compilations", {compiled}, {}, "1",
                              "Graphs that the device compiled before the round's first block; "
                              "none were compiled between that and the last"));
  for (auto& field : card_fields(timings.cards)) fields.push_back(std::move(field));
  if (timings.whole.empty()) return fields;
  fields.push_back(reals("whole_seconds", timings.whole, {{"block", blocks}}, "s",
                         "Time of the whole all-high model, the sum over its segments"));
  fields.push_back(reals("piece_seconds", timings.pieces, {{"block", blocks}}, "s",
                         "Time of one segment of each structure, which that is made of"));
  return fields;
}

std::vector<Rounds> rounds(Workbench& bench, const batch::Results& results,
                           const std::vector<ContestTicket>& contests, bool others_come) {
  std::vector<Attempt> attempts;
  bool all_are_over = !others_come;
  for (const auto& contest : contests) {
    attempts.push_back(standing(bench, results, contest));
    all_are_over = all_are_over && attempts.back().is_over;
  }
  std::vector<Rounds> all;
  for (auto& attempt : attempts) {
    auto& found = all.emplace_back(std::move(attempt.rounds));
    if (!attempt.further) continue;
    if (all_are_over)
      found.units.push_back(*std::move(attempt.further));
    else
      ++found.may_come;
  }
  return all;
}

std::int64_t most_rounds(const latency::StoppingRule& rule) {
  return (rule.repetitions + rule.least_repetitions - 1) / rule.least_repetitions + 1;
}

latency::Timings to_timings(const archive::Record& record) {
  const auto& shape = archive::find(record.fields, "seconds").shape;
  latency::Timings timings;
  timings.seconds = fold(reals(record.fields, "seconds"), shape.at(0));
  timings.order = fold(integers(record.fields, "order"), shape.at(0));
  for (const auto& field : record.fields) {
    if (field.name == "whole_seconds") timings.whole = reals(record.fields, field.name);
    if (field.name == "piece_seconds") timings.pieces = reals(record.fields, field.name);
  }
  timings.cards = card_states(record.fields);
  return timings;
}

}  // namespace gainsweep::pipeline

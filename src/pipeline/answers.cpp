#include "pipeline/answers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>

#include "archive/field.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/room.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

/// By request of a chunk, with what stands for none behind the last.
struct Answers {
  std::vector<double> log_likelihoods;
  std::vector<std::int64_t> greedy;
};

// Packs of one length follow one another: they share a program.
Batch batch_of(const Task& task, const Task::Chunk& chunk) {
  Batch batch{task.runs.get(), std::vector<std::size_t>(chunk.num_packs), chunk.digest};
  std::iota(batch.samples.begin(), batch.samples.end(), chunk.first_pack);
  const auto& buckets = task.runs->buckets;
  std::stable_sort(batch.samples.begin(), batch.samples.end(),
                   [&](auto a, auto b) { return buckets[a] < buckets[b]; });
  return batch;
}

/// Of all targets of a request.
execute::Verdict summed(std::span<const execute::Verdict> targets) {
  execute::Verdict all{0, true};
  for (const auto& target : targets) {
    all.log_likelihood += target.log_likelihood;
    all.is_likeliest = all.is_likeliest && target.is_likeliest;
  }
  return all;
}

Answers answer(Workbench& bench, const Task& task, const Task::Chunk& chunk,
               const Rounding& rounding, const lower::Maxima& maxima,
               std::span<const std::string_view> ahead) {
  const auto& subject = *bench.subject;
  const auto size = task.longest_chunk();
  Answers answers{std::vector<double>(size, std::numeric_limits<double>::quiet_NaN()),
                  std::vector<std::int64_t>(size, -1)};
  const auto take = [&](std::size_t place, const model::Sample&,
                        std::span<const execute::Outcome> outcomes) {
    const auto& pack = task.packs[place];
    std::span verdicts(outcomes.front().verdicts);
    for (auto request = pack.first; request < pack.first + pack.size; ++request) {
      const auto count = static_cast<std::size_t>(num_targets(*task.items, request));
      const auto [sum, greedy] = summed(verdicts.first(count));
      verdicts = verdicts.subspan(count);
      check_loss({.loss = -sum}, subject, bench.evaluating,
                 "request " + std::to_string(request) + " of " + task.name);
      answers.log_likelihoods[request - chunk.first] = sum;
      answers.greedy[request - chunk.first] = greedy ? 1 : 0;
    }
  };
  bench.relay.run(batch_of(task, chunk), {&rounding, 1}, maxima, ahead, answer_room(subject), take);
  return answers;
}

batch::Product fields_of(const Answers& answers, const Task::Chunk& chunk,
                         const graph::Assignment& assignment,
                         const std::vector<format::Format>& formats) {
  const archive::Axes request{{"request", answers.greedy.size()}};
  return batch::Fields{texts("assignment_key", {assignment_key(assignment, formats)}, {},
                             "Digest that joins plans and evaluations"),
                       integers("assignment", to_indices(assignment), {{"op", assignment.size()}},
                                "1", "Index of each op's format"),
                       integers("first_request", {static_cast<std::int64_t>(chunk.first)}, {}, "1",
                                "The row's first request"),
                       integers("num_requests", {static_cast<std::int64_t>(chunk.size)}, {}, "1",
                                "Requests of the row; places behind them are NaN and -1"),
                       reals("loglikelihood", answers.log_likelihoods, request, "nat",
                             "Summed log-probabilities of the request's targets"),
                       integers("greedy", answers.greedy, request, "1",
                                "1 where each target is the likeliest of all classes")};
}

}  // namespace

std::vector<batch::Unit> answer_units(const Bench& bench, const batch::Results& results,
                                      const Task& task, const Evaluated& plan, std::size_t place) {
  const auto& subject = *bench->subject;
  const auto observed = observed_state(*bench, results);
  const auto maxima = std::make_shared<const lower::Maxima>(observed.value->maxima);
  const auto assignment = assignment_key(plan.assignment, subject.layout.formats);
  const auto* precision = spelling(evaluation_precision(subject.spec));
  const Rounding rounding{plan.assignment, Scales::observed};
  std::vector<batch::Unit> units;
  for (const auto& chunk : task.chunks) {
    batch::Unit unit;
    unit.table = "evaluations/tasks/" + task.name;
    unit.nature = plan.nature;
    unit.label = "answers of plan " + shown(assignment) + " to " + task.name;
    if (task.chunks.size() > 1) unit.label += " from item " + std::to_string(chunk.first_item);
    unit.order = place * task.chunks.size() + units.size();
    unit.key = key::answers(bench->computing, precision, bench->formats, observed.digest, task.name,
                            chunk.digest, assignment);
    unit.kin = kin_of(chunk.digest, rounding);
    unit.work = [bench, &task, &chunk, maxima, rounding](batch::Context& context) {
      const auto answers = answer(*bench, task, chunk, rounding, *maxima, context.ahead);
      return fields_of(answers, chunk, rounding.assignment, bench->subject->layout.formats);
    };
    units.push_back(std::move(unit));
  }
  return units;
}

std::size_t num_answer_units(const Subject& subject) {
  std::size_t units = 0;
  for (const auto& task : subject.tasks) units += task.chunks.size();
  return units;
}

}  // namespace gainsweep::pipeline

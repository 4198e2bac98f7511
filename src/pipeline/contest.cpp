#include "pipeline/contest.hpp"

#include <algorithm>
#include <set>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

// Kernels that the sub-graphs' linear layers run on, as the library names them, each once.
std::vector<std::string> kernels_of(const graph::Partition& partition,
                                    const std::vector<SubgraphId>& subgraphs,
                                    const graph::Graph& graph, const execute::Device& device,
                                    execute::Precision high) {
  std::set<std::vector<std::int64_t>> shapes;
  for (const auto id : subgraphs)
    for (const auto op_id : partition.subgraphs[id.index].ops) {
      const auto& op = partition.ops[op_id.index];
      if (op.kind != graph::OpKind::linear) continue;
      const auto& weight = graph.value(op.operands.back().value).shape;
      shapes.insert({op.run_macs / (weight[0] * weight[1]), weight[1], weight[0]});
    }
  std::set<std::string> kernels;
  for (const auto& shape : shapes) {
    const auto used = device.kernels({shape[0], shape[1], shape[2]}, high);
    kernels.insert(used.begin(), used.end());
  }
  return {kernels.begin(), kernels.end()};
}

// The value of the whole graph that an extracted graph's input stands for (see graph::extract).
graph::ValueId source_of(const graph::Graph& whole, const std::string& input) {
  if (input[0] == '%') return {std::stoul(input.substr(1))};
  for (std::size_t v = 0; v < whole.values.size(); ++v)
    if (whole.values[v].name == input) return {v};
  throw Error(ErrorKind::internal, "the model's graph has no value '" + input + "' to capture");
}

// Values do not change a kernel's time.
execute::Inputs timed_inputs(const Subject& subject) {
  const auto& graph = *subject.latency_graph;
  return execute::make_inputs(graph, model::counting_sample(graph, *subject.model),
                              subject.model->inputs, *subject.device);
}

void begin(Workbench& bench) {
  auto& timed = bench.timed;
  const auto& subject = *bench.subject;
  timed.end();
  bench.timing.release_unused();
  timed.contest.emplace();
  if (!timed.inputs) timed.inputs.emplace(timed_inputs(subject));
  if (!timed.partition)
    timed.partition = graph::partition(*subject.latency_graph, subject.spec.partition,
                                       subject.layout.formats.size());
}

void add_lowered(Workbench& bench, const graph::Assignment& assignment,
                 const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  bench.timed.contest->programs.emplace_back(
      lower::lower(*subject.latency_graph, *bench.timed.partition, assignment,
                   subject.layout.formats, maxima, *subject.target),
      bench.timing.get());
  bench.timed.contest->inputs.push_back(&*bench.timed.inputs);
}

graph::Assignment with(const Subject& subject, const TimingTarget& target,
                       const graph::Configuration& configuration) {
  const auto& partition = subject.layout.partition;
  graph::Assignment assignment(partition.ops.size(), high_format);
  for (const auto member : target.lowered)
    for (std::size_t i = 0; i < configuration.size(); ++i)
      assignment[partition.subgraphs[member.index].ops[i].index] = configuration[i];
  return assignment;
}

execute::Inputs capture_inputs(Workbench& bench, const graph::Graph& extracted) {
  const auto& whole = *bench.subject->latency_graph;
  std::vector<graph::ValueId> values;
  for (const auto input : extracted.inputs)
    values.push_back(source_of(whole, extracted.value(input).name));
  execute::Program high(whole, bench.timing.get());
  return high.capture(*bench.timed.inputs, values);
}

// The partition of an extracted sub-graph: itself.
graph::Partition alone(const graph::Graph& extracted, const graph::Subgraph& subgraph) {
  graph::Partition partition;
  partition.ops = graph::quantizable_ops(extracted);
  partition.subgraphs = {subgraph};
  for (std::size_t i = 0; i < subgraph.ops.size(); ++i) partition.subgraphs[0].ops[i] = {i};
  partition.classes = {{{0}}};
  partition.subgraphs[0].cls = {0};
  return partition;
}

// The sub-graph alone, on the values that it reads in a run of the whole model, and that run: what
// the sub-graph saves is told as a part of it.
void add_extracted(Workbench& bench, const TimingTarget& target, const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  auto& timed = bench.timed;
  const auto& subgraph = timed.partition->subgraphs[target.lowered.front().index];
  std::vector<graph::NodeId> nodes;
  for (const auto op : subgraph.ops) nodes.push_back(timed.partition->ops[op.index].node);
  const auto extracted = graph::extract(*subject.latency_graph, nodes);
  timed.captured.emplace(capture_inputs(bench, extracted));
  lower::Maxima own_maxima;
  for (const auto op : subgraph.ops)
    if (!maxima.empty()) own_maxima.push_back(maxima[op.index]);
  for (const auto& configuration : target.configurations) {
    timed.contest->programs.emplace_back(
        lower::lower(extracted, alone(extracted, subgraph), configuration, subject.layout.formats,
                     own_maxima, *subject.target),
        bench.timing.get());
    timed.contest->inputs.push_back(&*timed.captured);
  }
  add_lowered(bench, graph::Assignment(timed.partition->ops.size(), high_format), maxima);
  timed.contest->has_whole = true;
}

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

}  // namespace

void TimedPrograms::end() {
  about.clear();
  contest.reset();
  captured.reset();
  kernels.clear();
}

void prepare(Workbench& bench, const TimingTarget& target, const lower::Maxima& maxima) {
  auto& timed = bench.timed;
  if (timed.about == target.table) return;
  begin(bench);
  const auto& subject = *bench.subject;
  timed.kernels = kernels_of(*timed.partition, target.lowered, *subject.latency_graph,
                             *subject.device, timed_precision(subject.spec));
  if (subject.spec.latency.scope == latency::Scope::subgraph)
    add_extracted(bench, target, maxima);
  else
    for (const auto& configuration : target.configurations)
      add_lowered(bench, with(subject, target, configuration), maxima);
  timed.about = target.table;
}

void prepare(Workbench& bench, const graph::Assignment& plan, const std::string& plan_key,
             const lower::Maxima& maxima) {
  if (bench.timed.about == plan_key) return;
  begin(bench);
  add_lowered(bench, graph::Assignment(plan.size(), high_format), maxima);
  add_lowered(bench, plan, maxima);
  bench.timed.about = plan_key;
}

batch::Fields run_round(Workbench& bench, std::int64_t round) {
  const auto& subject = *bench.subject;
  const auto& rule = subject.spec.latency.rule;
  auto& contest = *bench.timed.contest;
  const auto warmup = latency::warm_up(contest, rule);
  const auto timings = latency::measure(contest, rule.least_repetitions,
                                        static_cast<std::uint64_t>(subject.spec.seed),
                                        static_cast<std::uint64_t>(round));
  const auto& kernels = bench.timed.kernels;
  const std::size_t blocks = timings.seconds.size(), programs = contest.programs.size();
  const std::size_t configurations = programs - (contest.has_whole ? 1 : 0);
  batch::Fields fields{
      integers("round", {round}, {}, "1",
               "Round of blocks; further rounds are added until the stopping rule is met"),
      texts("host", {subject.host}, {}, "Machine that the round was timed on"),
      reals("seconds", archive::flatten(timings.seconds),
            {{"block", blocks}, {"configuration", configurations}}, "s",
            "Time of one run; configuration 0 is all-high"),
      integers("order", archive::flatten(timings.order), {{"block", blocks}, {"place", programs}},
               "1", "Configuration timed at each place of the block"),
      integers("warm_up_runs", {static_cast<std::int64_t>(warmup.size())}, {}, "1",
               "Runs of the baseline before the round's first block"),
      reals("warm_up_last", {warmup.empty() ? 0 : warmup.back()}, {}, "s",
            "Time of the last of them"),
      texts("kernels", kernels, {{"kernel", kernels.size()}},
            "Kernels that linear layers ran on, as the library names them")};
  if (contest.has_whole)
    fields.push_back(reals("whole_seconds", timings.whole, {{"block", blocks}}, "s",
                           "Time of one run of the whole all-high model"));
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
  for (const auto& field : record.fields)
    if (field.name == "whole_seconds") timings.whole = reals(record.fields, field.name);
  return timings;
}

}  // namespace gainsweep::pipeline

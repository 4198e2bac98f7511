#include "pipeline/workbench.hpp"

#include <optional>
#include <set>

#include "base/error.hpp"
#include "evaluate/evaluate.hpp"
#include "latency/measure.hpp"
#include "pipeline/field.hpp"
#include "pipeline/record.hpp"
#include "scale/observe.hpp"
#include "sensitivity/score.hpp"

namespace gainsweep::pipeline {
namespace {

// Tokens 0, 1, 2, … of the workload: values do not change a kernel's time.
execute::Batch latency_batch(const Experiment& experiment) {
  const auto& spec = experiment.spec.latency;
  execute::Batch batch{spec.batch, spec.length, {}, {}};
  for (std::int64_t i = 0; i < spec.batch * spec.length; ++i)
    batch.tokens.push_back(i % experiment.model->config.vocabulary);
  return batch;
}

// Kernels that the sub-graphs' linear layers run on, as the library names them, each once.
std::vector<std::string> kernels_of(const graph::Partition& partition,
                                    const std::vector<SubgraphId>& subgraphs,
                                    const graph::Graph& graph, execute::Precision high) {
  std::set<std::vector<std::int64_t>> shapes;
  for (const auto id : subgraphs)
    for (const auto op_id : partition.subgraphs[id.index].ops) {
      const auto& op = partition.ops[op_id.index];
      if (op.kind != graph::OpKind::linear) continue;
      const auto& weight = graph.value(op.operands.back().value).shape;
      shapes.insert({op.macs / (weight[0] * weight[1]), weight[1], weight[0]});
    }
  std::set<std::string> kernels;
  for (const auto& shape : shapes) {
    const auto used = execute::linear_kernels(shape[0], shape[1], shape[2]);
    if (high == execute::Precision::bf16) kernels.insert("bf16 " + used.high);
    kernels.insert("int8 " + used.int8);
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

}  // namespace

struct Workbench::State {
  const Experiment& experiment;
  std::optional<Stage> stage;
  std::optional<execute::Parameters> scoring, evaluating, timing;
  std::optional<execute::Program> observed;
  std::optional<execute::Prober> prober;
  std::optional<graph::Partition> latency_partition;
  std::optional<execute::Inputs> latency_inputs;
  // The contest of consecutive rounds, by the table and plan it is about.
  std::string contest_name;
  std::optional<execute::Inputs> captured;
  std::optional<latency::Contest> contest;
  std::vector<std::string> contest_kernels;
  std::optional<Decision> decision;

  execute::Parameters& parameters(std::optional<execute::Parameters>& slot,
                                  execute::Precision precision) const {
    if (!slot) slot.emplace(experiment.model->checkpoint, experiment.spec.device, precision);
    return *slot;
  }

  void enter(Stage next) {
    if (stage == next) return;
    prober.reset();
    observed.reset();
    contest.reset();
    contest_name.clear();
    captured.reset();
    decision.reset();
    // Scoring and observing share their weights; evaluation uses those of timing besides its own.
    if (next > Stage::score) scoring.reset();
    stage = next;
  }

  archive::Record observe(const Unit& unit) {
    const auto& ops = experiment.layout.partition.ops;
    const auto precision = experiment.spec.sensitivity.precision;
    if (!observed)
      observed.emplace(lower::observe(experiment.graph, ops), parameters(scoring, precision));
    return to_record(unit, scale::observe(*observed, inputs_of_sample(unit.index), ops), ops);
  }

  archive::Record score(const Unit& unit, const Results& results) {
    const auto& layout = experiment.layout;
    const std::vector<format::Format> low(layout.formats.begin() + 1, layout.formats.end());
    if (!prober)
      prober.emplace(lower::probe(experiment.graph, layout.partition.ops), layout.partition.ops,
                     parameters(scoring, experiment.spec.sensitivity.precision), low,
                     collect_maxima(experiment, results));
    const auto score = sensitivity::score(*prober, inputs_of_sample(unit.index));
    return to_record(unit, score, layout.partition.ops, low.size());
  }

  execute::Inputs inputs_of_sample(std::size_t sample) const {
    return execute::make_inputs(experiment.graph, experiment.calibration[sample],
                                experiment.spec.device);
  }

  archive::Record plan(const Unit& unit, const Results& results) {
    if (!decision) decision = collect_decision(experiment, results);
    return run_plan_unit(unit, experiment.layout, experiment.spec, *decision);
  }

  archive::Record losses(const Unit& unit, const Results& results) {
    auto& weights = parameters(evaluating, execute::Precision::fp32);
    const auto& layout = experiment.layout;
    std::vector<double> losses;
    {
      execute::Program program(
          lower::fake_quantize(experiment.graph, layout.partition.ops, unit.assignment,
                               layout.formats, collect_maxima(experiment, results)),
          weights);
      losses = evaluate::losses(program, experiment.evaluation, experiment.spec.device);
    }
    weights.release_unused();
    return to_record(unit, losses, assignment_key(unit.assignment, layout.formats));
  }

  const graph::Partition& timed_partition() {
    if (!latency_partition)
      latency_partition = graph::partition(experiment.latency_graph, experiment.spec.partition,
                                           experiment.layout.formats.size());
    return *latency_partition;
  }

  execute::Program lowered(const graph::Assignment& assignment, const lower::Maxima& maxima) {
    return {lower::lower(experiment.latency_graph, timed_partition(), assignment,
                         experiment.layout.formats, maxima, experiment.target),
            parameters(timing, timed_precision(experiment.spec))};
  }

  void begin_contest() {
    contest_name.clear();
    contest.reset();
    captured.reset();
    if (timing) timing->release_unused();
    contest.emplace();
    if (!latency_inputs)
      latency_inputs.emplace(execute::make_inputs(
          experiment.latency_graph, latency_batch(experiment), experiment.spec.device));
  }

  graph::Assignment with(const TimingTarget& target,
                         const graph::Configuration& configuration) const {
    const auto& partition = experiment.layout.partition;
    graph::Assignment assignment(partition.ops.size(), high_format);
    for (const auto member : target.lowered)
      for (std::size_t i = 0; i < configuration.size(); ++i)
        assignment[partition.subgraphs[member.index].ops[i].index] = configuration[i];
    return assignment;
  }

  void prepare_target(const TimingTarget& target, const lower::Maxima& maxima) {
    begin_contest();
    contest_kernels = kernels_of(timed_partition(), target.lowered, experiment.latency_graph,
                                 timed_precision(experiment.spec));
    if (experiment.spec.latency.scope == latency::Scope::subgraph)
      return prepare_extracted(target, maxima);
    for (const auto& configuration : target.configurations) {
      contest->programs.push_back(lowered(with(target, configuration), maxima));
      contest->inputs.push_back(&*latency_inputs);
    }
  }

  // The sub-graph alone, on the values that it reads in a run of the whole model.
  void prepare_extracted(const TimingTarget& target, const lower::Maxima& maxima) {
    const auto& partition = timed_partition();
    const auto& subgraph = partition.subgraphs[target.lowered.front().index];
    std::vector<graph::NodeId> nodes;
    for (const auto op : subgraph.ops) nodes.push_back(partition.ops[op.index].node);
    const auto extracted = graph::extract(experiment.latency_graph, nodes);
    auto& weights = parameters(timing, timed_precision(experiment.spec));
    captured.emplace(capture_inputs(extracted, weights));

    graph::Partition alone;
    alone.ops = graph::quantizable_ops(extracted);
    alone.subgraphs = {subgraph};
    for (std::size_t i = 0; i < subgraph.ops.size(); ++i) alone.subgraphs[0].ops[i] = {i};
    alone.classes = {{{0}}};
    alone.subgraphs[0].cls = {0};
    lower::Maxima own_maxima;
    for (const auto op : subgraph.ops)
      if (!maxima.empty()) own_maxima.push_back(maxima[op.index]);
    for (const auto& configuration : target.configurations) {
      contest->programs.emplace_back(
          lower::lower(extracted, alone, configuration, experiment.layout.formats, own_maxima,
                       experiment.target),
          weights);
      contest->inputs.push_back(&*captured);
    }
  }

  execute::Inputs capture_inputs(const graph::Graph& extracted, execute::Parameters& weights) {
    std::vector<graph::ValueId> values;
    for (const auto input : extracted.inputs)
      values.push_back(source_of(experiment.latency_graph, extracted.value(input).name));
    execute::Program high(experiment.latency_graph, weights);
    return high.capture(*latency_inputs, values);
  }

  archive::Record race(const Unit& unit) {
    TimingRound round;
    const auto warmup = latency::warm_up(*contest, experiment.spec.latency.rule);
    round.timings = latency::measure(*contest, experiment.spec.latency.rule.least_repetitions,
                                     static_cast<std::uint64_t>(experiment.spec.seed), unit.round);
    round.timings.warmup = warmup;
    round.kernels = contest_kernels;
    return to_record(unit, round);
  }

  archive::Record time_target(const Unit& unit, const Results& results) {
    const auto& target = experiment.timing_targets[unit.index];
    if (contest_name != target.table) {
      prepare_target(target, collect_maxima(experiment, results));
      contest_name = target.table;
    }
    return race(unit);
  }

  archive::Record time_plan(const Unit& unit, const Results& results) {
    const auto key = assignment_key(unit.assignment, experiment.layout.formats);
    if (contest_name != key) {
      const auto maxima = collect_maxima(experiment, results);
      begin_contest();
      const graph::Assignment high(unit.assignment.size(), high_format);
      for (const auto& assignment : {high, unit.assignment}) {
        contest->programs.push_back(lowered(assignment, maxima));
        contest->inputs.push_back(&*latency_inputs);
      }
      contest_kernels.clear();
      contest_name = key;
    }
    auto record = race(unit);
    record.fields.push_back(
        texts("assignment_key", {key}, {}, "Digest that joins plans and evaluations"));
    return record;
  }
};

Workbench::Workbench(const Experiment& experiment)
    : state_(std::make_unique<State>(State{experiment})) {}
Workbench::~Workbench() = default;

archive::Record Workbench::run(const Unit& unit, const Results& results) {
  state_->enter(unit.stage);
  try {
    switch (unit.stage) {
      case Stage::observe:
        return state_->observe(unit);
      case Stage::score:
        return state_->score(unit, results);
      case Stage::latency:
        return state_->time_target(unit, results);
      case Stage::solve:
        return state_->plan(unit, results);
      case Stage::evaluate:
        return unit.exclusive ? state_->time_plan(unit, results) : state_->losses(unit, results);
    }
  } catch (const Error& error) {
    throw with_context(error, unit.label);
  }
  throw Error(ErrorKind::internal, "a unit of no stage");
}

}  // namespace gainsweep::pipeline

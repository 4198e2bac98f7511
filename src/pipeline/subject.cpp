#include "pipeline/subject.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "gain/objective.hpp"
#include "gain/resource.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/imported_times.hpp"
#include "pipeline/lowerable.hpp"
#include "pipeline/shelf.hpp"
#include "pipeline/sources.hpp"
#include "pipeline/structure.hpp"
#include "spec/read.hpp"

namespace gainsweep::pipeline {

namespace {

std::shared_ptr<const graph::Graph> build(Shelf::State& shelf, const Subject& subject,
                                          const model::Workload& workload) {
  return lend(shelf.graphs, {subject.model.get(), workload},
              [&] { return share(subject.model->build(workload)); });
}

// `longest` is that of the longest samples all of whose targets count.
BucketGraph of_bucket(const Subject& subject, const Bucket& bucket,
                      const std::shared_ptr<const graph::Graph>& longest,
                      const std::vector<model::Output>& outputs) {
  const auto& ops = subject.layout.partition.ops;
  if (bucket == Bucket{subject.spec.calibration.length}) return {longest, ops};
  BucketGraph made{share(subject.model->build(
                       {1, bucket.length, outputs, bucket.weighted, bucket.scored, bucket.packed})),
                   {}};
  made.ops = graph::quantizable_ops(*made.graph);
  if (!std::equal(ops.begin(), ops.end(), made.ops.begin(), made.ops.end(),
                  [](const auto& a, const auto& b) { return a.path == b.path; }))
    throw Error(ErrorKind::internal, "the graph of " + std::to_string(bucket.length) +
                                         " tokens or rows has other ops than that of " +
                                         std::to_string(subject.spec.calibration.length) +
                                         ". Report this.");
  return made;
}

// The checkpoint's name of an op's weight without ".weight": of the module that holds it.
std::string module_of(const graph::Op& op, const Subject& subject) {
  constexpr std::string_view ending = ".weight";
  for (const auto& operand : op.operands) {
    const auto& value = subject.graph->value(operand.value);
    if (operand.role != graph::OperandRole::weight || value.kind != graph::ValueKind::parameter)
      continue;
    const auto name = subject.model->checkpoint_name(value.name);
    return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : name;
  }
  return {};
}

// Those that the device has kernels for.
std::vector<FormatId> timed_formats(const Subject& subject, const graph::Op& op) {
  const auto& formats = subject.spec.formats.formats;
  auto known = lower::real_formats(*subject.target, op, formats);
  std::erase_if(known, [&](FormatId id) {
    return id != high_format && !subject.device->lacks(op.kind, formats[id.index]).empty();
  });
  return known;
}

// Parameters that are no op's weight, and what the model keeps while it generates.
Held held(const spec::ModelSpec& model, const graph::Graph& graph,
          const std::vector<graph::Op>& ops) {
  Held held;
  if (model.checkpoint) held.caches = model::caches(*model.checkpoint);
  for (const auto& [name, value] : graph.parameters)
    held.parameters += graph::num_elements(graph.value(value).shape);
  for (const auto& op : ops) held.parameters -= op.weight_elements;
  return held;
}

Layout make_layout(const Subject& subject, const std::optional<Modelled>& modelled) {
  const auto& spec = subject.spec;
  Layout layout;
  layout.formats = spec.formats.formats;
  layout.partition = graph::partition(*subject.graph, spec.partition, spec.formats.formats.size());
  layout.held = held(spec.model, *subject.graph, layout.partition.ops);
  for (const auto& op : layout.partition.ops) {
    layout.real_formats.push_back(modelled ? real_formats(*modelled, op, spec.formats.formats)
                                           : timed_formats(subject, op));
    layout.modules.push_back(module_of(op, subject));
  }
  if (modelled) layout.device_rates = relative_rates(*modelled, layout.formats);
  return layout;
}

// Strategies that measure plans need samples to measure them on.
void check_search(const Subject& subject) {
  const auto& solve = subject.spec.solve;
  if (solve.search_samples > 0) return;
  solve::Numbers numbers;
  numbers.ops = formats_of(lowerables(subject.layout));
  for (const auto& name : solve.strategies)
    if (solve::strategies().at(name).most_asked(numbers).qualities > 0)
      throw Error(ErrorKind::config,
                  "the strategy " + name +
                      " measures plans while it searches, and "
                      "solve.search_samples is 0. Give it some, 32 for example.");
}

// An exported file is one model as it was trained, whose weights are looked at once.
void check_numbers(const Subject& subject) {
  if (!subject.spec.model.exported) return;
  const execute::Parameters parameters(*subject.model, *subject.device, execute::Precision::fp32);
  const auto fault = execute::undefined_parameter(*subject.graph, parameters);
  if (fault.empty()) return;
  throw Error(ErrorKind::input, fault +
                                    " (nothing that is computed with it can be told apart). "
                                    "Export a model whose weights are numbers.");
}

// Of a description or a timing table, with what sub-graphs are in the latency workload.
void give_times(Subject& subject, const std::optional<Modelled>& modelled,
                const graph::Graph& graph) {
  auto& layout = subject.layout;
  const auto names = structures(graph, graph::quantizable_ops(graph), layout.partition);
  if (modelled) {
    subject.given_times = given_times(*modelled, layout, graph);
  } else {
    const auto table = read_imported(subject.spec).value();
    layout.real_formats = real_formats(table, layout, names);
    subject.given_times = given_times(table, layout, names);
  }
  subject.given_times->tables.push_back(to_table(names));
}

// What is timed are ops of the latency workload's sizes, which decide about kernels too.
void take_formats_of(Subject& subject, const graph::Graph& timed) {
  const auto ops = graph::quantizable_ops(timed);
  for (std::size_t i = 0; i < ops.size(); ++i)
    subject.layout.real_formats[i] = timed_formats(subject, ops[i]);
}

bool flushes_caches(const execute::Device& device) {
  return device.flushed_bytes && device.flushed_bytes() > 0;
}

// Leaves out the objective `time` and budgets of seconds where this machine lacks the kernels; the
// rest goes on.
void leave_out_time(Subject& subject) {
  subject.untimed = execute::missing_kernels(*subject.device, timed_precision(subject.spec));
  if (subject.untimed.empty()) return;
  auto& objectives = subject.spec.solve.objectives;
  auto& budgets = subject.spec.solve.budgets;
  std::erase_if(objectives, [](const auto& name) { return gain::objectives().at(name).of_times; });
  std::erase_if(budgets,
                [](const auto& entry) { return gain::resources().at(entry.first).of_times; });
  if (objectives.empty())
    throw Error(ErrorKind::environment,
                subject.untimed +
                    ", and solve.objectives asks for time alone. Run it on another machine, or ask "
                    "for macs or memory.");
  if (wants_time(subject.spec))
    throw Error(ErrorKind::environment, subject.untimed +
                                            ", and solve.constraints limits seconds. Run it on "
                                            "another machine, or leave them out.");
}

}  // namespace

Shelf::Shelf() : state_(std::make_unique<State>()) {}
Shelf::Shelf(Shelf&&) noexcept = default;
Shelf::~Shelf() = default;

Subject open(const spec::Spec& spec, Shelf& shelf, model::Weights weights,
             const execute::Device& device) {
  auto& lent = shelf.state();
  Subject subject;
  subject.spec = spec;
  subject.device = &device;
  open_sources(subject, lent, weights);
  auto& tie = subject.spec.partition.tie;
  tie = tie.value_or(subject.model->ties);
  const auto length = subject.spec.calibration.length;
  subject.graph = build(lent, subject, {1, length, {model::Output::mean_loss}});
  subject.evaluation_graph =
      build(lent, subject, {1, length, {model::Output::mean_loss, model::Output::class_scores}});
  subject.gives_class_scores = subject.evaluation_graph->outputs.size() > 1;
  subject.target = &lower::targets().at(subject.device->target());
  const auto modelled = read_modelled(spec.latency);
  subject.layout = make_layout(subject, modelled);
  check_search(subject);
  check_numbers(subject);
  subject.given_plans = read_plans(spec.evaluate.plans, subject.layout);
  subject.environment = lend(lent.environments, {spec.device, spec.threads},
                             [&] { return execute::environment(*subject.device); });
  subject.resolved = spec::resolved(spec);
  if (measures_time(spec)) {
    take_formats_of(subject, *latency_graph(subject, shelf));
    leave_out_time(subject);
  }
  if (measures_time(subject.spec)) {
    subject.latency_graph = latency_graph(subject, shelf);
    subject.timing_targets = timing_targets(subject.layout, spec.latency);
  }
  if (!spec::measures(spec.latency)) give_times(subject, modelled, *latency_graph(subject, shelf));
  return subject;
}

BucketGraph graph_of(const Subject& subject, const Bucket& bucket) {
  return of_bucket(subject, bucket, subject.graph, {model::Output::mean_loss});
}

BucketGraph evaluation_graph_of(const Subject& subject, const Bucket& bucket) {
  const bool is_asked = bucket.scored > 0;
  return of_bucket(subject, bucket, subject.evaluation_graph,
                   is_asked ? std::vector{model::Output::target_log_likelihoods,
                                          model::Output::targets_are_likeliest}
                            : std::vector{model::Output::mean_loss, model::Output::class_scores});
}

std::shared_ptr<const graph::Graph> latency_graph(const Subject& subject, Shelf& shelf) {
  const auto& latency = subject.spec.latency;
  return build(shelf.state(), subject,
               {latency.batch, latency.length, {model::Output::class_scores}});
}

execute::Precision timed_precision(const spec::Spec& spec) {
  return spec.formats.formats[0].name == "fp32" ? execute::Precision::fp32
                                                : execute::Precision::bf16;
}

execute::Precision evaluation_precision(const spec::Spec& spec) {
  const bool is_fp32 = spec.evaluate.precision == spec::Arithmetic::fp32;
  return is_fp32 ? execute::Precision::fp32 : timed_precision(spec);
}

bool wants_time(const spec::Spec& spec) {
  const auto all = aims(spec.solve);
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& aim) { return follows_times(spec, aim.objective); });
}

bool measures_time(const spec::Spec& spec) {
  return wants_time(spec) && spec::measures(spec.latency);
}

execute::Inputs made_up_inputs(const Subject& subject, const graph::Graph& graph) {
  return execute::make_inputs(graph, model::counting_sample(graph, *subject.model),
                              subject.model->inputs, *subject.device);
}

bool times_plans(const Subject& subject) {
  const auto& real = subject.layout.real_formats;
  return subject.spec.evaluate.time && measures_time(subject.spec) &&
         std::any_of(real.begin(), real.end(), [](const auto& own) { return own.size() > 1; });
}

key::Computing computing(const Subject& subject) {
  const auto& environment = subject.environment;
  return {subject.model_digest,   environment.torch_version, environment.instruction_set,
          environment.arithmetic, subject.spec.device,       environment.threads,
          environment.identity};
}

key::Workload workload(const Subject& subject) {
  const auto& latency = subject.spec.latency;
  return {subject.environment.device_name,
          spelling(latency.scope),
          latency.batch,
          latency.length,
          latency.rule.warmup,
          latency.rule.least_repetitions,
          subject.spec.seed,
          flushes_caches(*subject.device) ? "flushed" : "",
          key::of_fused(subject.layout.partition)};
}

}  // namespace gainsweep::pipeline

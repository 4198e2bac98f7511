#include "pipeline/estimate.hpp"

#include <algorithm>
#include <limits>

#include "pipeline/enumerate.hpp"

namespace gainsweep::pipeline {
namespace {

std::int64_t bytes_of(execute::Precision precision) {
  switch (precision) {
    case execute::Precision::bf16:
      return 2;
    case execute::Precision::fp32:
      return 4;
    case execute::Precision::fp64:
      break;
  }
  return 8;
}

std::int64_t bytes_of(const graph::Value& value, std::int64_t bytes_of_real) {
  switch (value.type) {
    case graph::ElementType::real:
      return graph::num_elements(value.shape) * bytes_of_real;
    case graph::ElementType::fp32:
      return graph::num_elements(value.shape) * 4;
    case graph::ElementType::index:
      return graph::num_elements(value.shape) * 8;
    case graph::ElementType::byte:
    case graph::ElementType::opaque:
      break;
  }
  return graph::num_elements(value.shape);
}

double total_macs(const std::vector<graph::Op>& ops) {
  double macs = 0;
  for (const auto& op : ops) macs += static_cast<double>(op.macs);
  return macs;
}

// Speed of the model's first linear layer behind its embedding, in the precision at hand.
double measured_gflops(const Experiment& experiment, execute::Precision precision) {
  const auto& ops = experiment.layout.partition.ops;
  const auto first = std::find_if(ops.begin(), ops.end(),
                                  [](const auto& op) { return op.kind == graph::OpKind::linear; });
  std::vector<graph::NodeId> nodes{first->node};
  for (std::size_t n = 0; n < first->node.index; ++n)
    if (experiment.graph.nodes[n].op == "aten::embedding") nodes.push_back({n});
  execute::Parameters parameters(experiment.model->checkpoint, experiment.spec.device, precision);
  execute::Program program(graph::extract(experiment.graph, nodes), parameters);
  auto batch = experiment.calibration.front();
  batch.labels.clear();
  const auto inputs = execute::make_inputs(program.graph(), batch, experiment.spec.device);
  double fastest = std::numeric_limits<double>::max();
  for (int run = 0; run < 5; ++run) fastest = std::min(fastest, program.time(inputs));
  return 2e-9 * static_cast<double>(first->macs) / fastest;
}

std::int64_t distinct_weight_elements(const Experiment& experiment) {
  std::int64_t elements = 0;
  for (const auto& value : experiment.graph.values)
    if (value.kind == graph::ValueKind::parameter) elements += graph::num_elements(value.shape);
  return elements;
}

std::size_t num_evaluated(const spec::Spec& spec) {
  const auto every = static_cast<std::size_t>(spec.evaluate.every);
  const auto thresholds = (spec.solve.thresholds.size() + every - 1) / every;
  return 1 + thresholds * spec.solve.objectives.size() * spec.evaluate.strategies.size();
}

}  // namespace

ActivationBytes activation_bytes(const graph::Graph& graph, std::int64_t bytes_of_real) {
  std::vector<std::size_t> last_use(graph.values.size(), 0);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n)
    for (const auto value : graph::values_read(graph.nodes[n])) last_use[value.index] = n;
  ActivationBytes bytes;
  std::int64_t alive = 0;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const auto output : graph.nodes[n].outputs) {
      const auto size = bytes_of(graph.value(output), bytes_of_real);
      alive += size;
      bytes.total += size;
    }
    bytes.peak = std::max(bytes.peak, alive);
    auto read = graph::values_read(graph.nodes[n]);
    std::sort(read.begin(), read.end());
    read.erase(std::unique(read.begin(), read.end()), read.end());
    for (const auto value : read)
      if (graph.value(value).producer && last_use[value.index] == n)
        alive -= bytes_of(graph.value(value), bytes_of_real);
  }
  return bytes;
}

Estimate estimate(const Experiment& experiment) {
  const auto& spec = experiment.spec;
  const auto scoring = spec.sensitivity.precision;
  const auto timing = timed_precision(spec);
  Estimate estimate;
  estimate.gflops_score = measured_gflops(experiment, scoring);
  estimate.gflops_latency = measured_gflops(experiment, timing);
  const auto& ops = experiment.layout.partition.ops;
  const double forward = 2e-9 * total_macs(ops) / estimate.gflops_score;
  const double timed_forward =
      2e-9 * total_macs(graph::quantizable_ops(experiment.latency_graph)) / estimate.gflops_latency;
  const double samples = static_cast<double>(experiment.calibration.size());

  std::size_t timed_programs = 0;
  for (const auto& target : experiment.timing_targets)
    timed_programs += target.configurations.size();
  const std::size_t plans = num_evaluated(spec);
  const std::size_t observed =
      needs_maxima(spec)
          ? std::min<std::size_t>(experiment.calibration.size(),
                                  static_cast<std::size_t>(spec.calibration.scale_samples))
          : 0;
  const double blocks = static_cast<double>(spec.latency.rule.repetitions);
  estimate.stages = {
      {Stage::observe, observed, static_cast<double>(observed) * forward},
      // A backward pass costs two forward ones; the probes about a tenth of the three.
      {Stage::score, experiment.calibration.size(), samples * forward * 3.3},
      {Stage::latency, experiment.timing_targets.size(),
       static_cast<double>(timed_programs) * blocks * timed_forward},
      {Stage::solve, plan_points(spec.solve).size(),
       0.02 * static_cast<double>(plan_points(spec.solve).size())},
      {Stage::evaluate, plans,
       static_cast<double>(plans) * (static_cast<double>(experiment.evaluation.size()) * forward +
                                     (spec.evaluate.time ? 2 * blocks * timed_forward : 0))}};

  const auto weights = distinct_weight_elements(experiment);
  for (const auto& file : experiment.model->checkpoint.files())
    estimate.parameter_bytes += static_cast<std::int64_t>(std::filesystem::file_size(file));
  const auto owned = scoring == execute::Precision::bf16 ? 0 : weights * bytes_of(scoring);
  const auto score_bytes = owned + activation_bytes(experiment.graph, bytes_of(scoring)).total;
  // bf16 and int8 packed weights at once.
  const auto timing_bytes =
      weights * 3 + activation_bytes(experiment.latency_graph, bytes_of(timing)).peak;
  // The weights of one plan beside the unrounded ones.
  const auto evaluate_bytes = weights * 8 + activation_bytes(experiment.graph, 4).peak;
  estimate.rank_bytes = std::max({score_bytes, timing_bytes, evaluate_bytes});
  return estimate;
}

}  // namespace gainsweep::pipeline

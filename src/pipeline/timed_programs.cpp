#include "pipeline/timed_programs.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "graph/window.hpp"
#include "lower/fuse.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {
namespace {

// Larger than what a core sees of any processor's last cache.
constexpr std::int64_t most_passing_bytes = std::int64_t{128} << 20;

// Kernels that the sub-graphs' linear layers and convolutions run on, as the library names them,
// each once.
std::vector<std::string> kernels_of(const lower::Fused& fused,
                                    const std::vector<SubgraphId>& subgraphs,
                                    const execute::Device& device, execute::Precision high) {
  std::set<std::vector<std::int64_t>> shapes;
  std::set<execute::ConvolutionShape> convolutions;
  for (const auto id : subgraphs)
    for (const auto op_id : fused.partition.subgraphs[id.index].ops) {
      const auto& op = fused.partition.ops[op_id.index];
      const auto& weight = fused.graph.value(op.operands.back().value).shape;
      const auto& input = fused.graph.value(op.operands.front().value).shape;
      if (op.kind == graph::OpKind::convolution && input.size() == weight.size())
        convolutions.insert(
            {input, weight, graph::window_of(fused.graph, fused.graph.node(op.node))});
      if (op.kind != graph::OpKind::linear) continue;
      shapes.insert({op.run_macs / (weight[0] * weight[1]), weight[1], weight[0]});
    }
  std::set<std::string> kernels;
  for (const auto& shape : shapes) {
    const auto used = device.kernels({shape[0], shape[1], shape[2]}, high);
    kernels.insert(used.begin(), used.end());
  }
  for (const auto& shape : convolutions)
    for (const auto& kernel : device.convolution_kernels(shape, high)) kernels.insert(kernel);
  return {kernels.begin(), kernels.end()};
}

graph::Partition partition_of(const Leg& leg, const graph::Partition& whole) {
  graph::Partition part{.ops = leg.ops};
  std::map<std::size_t, std::size_t> place_in_leg;
  for (std::size_t i = 0; i < leg.places.size(); ++i) place_in_leg[leg.places[i]] = i;
  for (auto subgraph : whole.subgraphs) {
    if (!place_in_leg.contains(subgraph.ops.front().index)) continue;
    for (auto& op : subgraph.ops) op.index = place_in_leg.at(op.index);
    subgraph.cls = {part.classes.size()};
    part.classes.push_back({{part.subgraphs.size()}});
    part.subgraphs.push_back(std::move(subgraph));
  }
  return part;
}

std::vector<TimedLeg> timed_legs(const Subject& subject, const graph::Partition& partition) {
  std::vector<TimedLeg> legs;
  auto whole = course(*subject.latency_graph, partition.ops, uncut_head);
  const auto times = times_of(whole.legs);
  for (std::size_t i = 0; i < times.size(); ++i) {
    auto& leg = whole.legs[i];
    auto inputs = made_up_inputs(subject, leg.graph);
    auto own = partition_of(leg, partition);
    legs.push_back({std::move(leg), std::move(own), std::move(inputs), times[i]});
  }
  return legs;
}

TimedGraph timed_graph(const Subject& subject) {
  const auto& graph = *subject.latency_graph;
  TimedGraph timed{graph::partition(graph, subject.spec.partition, subject.layout.formats.size()),
                   made_up_inputs(subject, graph),
                   {}};
  if (subject.spec.latency.scope == latency::Scope::subgraph)
    timed.legs = timed_legs(subject, timed.partition);
  return timed;
}

void begin(Workbench& bench) {
  bench.timed.end();
  bench.timing.release_unused();
  bench.timed.contest.emplace();
  const auto& device = *bench.subject->device;
  bench.timed.contest->card = device.state;
  if (const auto bytes = device.flushed_bytes ? device.flushed_bytes() : 0; bytes > 0)
    bench.timed.contest->flush.emplace(device, bytes);
  if (!bench.timed.graph) bench.timed.graph.emplace(timed_graph(*bench.subject));
}

void add_lowered(Workbench& bench, const graph::Assignment& assignment,
                 const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  auto& [graph, about, contest, kernels] = bench.timed;
  contest->programs.emplace_back(lower::lower(*subject.latency_graph, graph->partition, assignment,
                                              subject.layout.formats, maxima, *subject.target),
                                 bench.timing.get());
  contest->inputs.push_back(&graph->inputs);
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

// A segment under a model's assignment.
execute::Program leg_program(Workbench& bench, const TimedLeg& timed,
                             const graph::Assignment& assignment, const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  graph::Assignment own;
  lower::Maxima own_maxima;
  for (const auto place : timed.leg.places) {
    own.push_back(assignment[place]);
    if (!maxima.empty()) own_maxima.push_back(maxima[place]);
  }
  return {lower::lower(timed.leg.graph, timed.partition, own, subject.layout.formats, own_maxima,
                       *subject.target),
          bench.timing.get()};
}

// In 16 bit.
std::int64_t parameter_bytes(const graph::Graph& graph) {
  std::int64_t elements = 0;
  for (const auto& value : graph.values)
    if (value.kind == graph::ValueKind::parameter) elements += graph::num_elements(value.shape);
  return 2 * elements;
}

// The segment that holds the sub-graph. What the sub-graph saves is told as a part of the whole,
// and its caches are what the whole leaves in them.
void add_legs(Workbench& bench, const TimingTarget& target, const lower::Maxima& maxima) {
  const auto& subject = *bench.subject;
  auto& legs = bench.timed.graph->legs;
  auto& contest = *bench.timed.contest;
  const auto first = bench.timed.graph->partition.subgraphs[target.lowered.front().index].ops[0];
  const auto holder = std::find_if(legs.begin(), legs.end(), [&](const TimedLeg& timed) {
    return std::ranges::count(timed.leg.places, first.index) > 0;
  });
  for (const auto& configuration : target.configurations) {
    contest.programs.push_back(
        leg_program(bench, *holder, with(subject, target, configuration), maxima));
    contest.inputs.push_back(&holder->inputs);
  }
  const graph::Assignment all_high(subject.layout.partition.ops.size(), high_format);
  for (const auto& timed : legs)
    if (timed.times > 0)
      contest.whole.push_back(
          {leg_program(bench, timed, all_high, maxima), &timed.inputs, timed.times});
  contest.interlude.emplace(*subject.device,
                            passing_bytes(*subject.latency_graph, holder->leg.graph));
}

}  // namespace

void TimedPrograms::end() {
  about.clear();
  contest.reset();
  kernels.clear();
}

std::size_t passing_bytes(const graph::Graph& whole, const graph::Graph& segment) {
  const auto others = parameter_bytes(whole) - parameter_bytes(segment);
  return static_cast<std::size_t>(std::min(others, most_passing_bytes));
}

void prepare(Workbench& bench, const TimingTarget& target, const lower::Maxima& maxima) {
  auto& timed = bench.timed;
  if (timed.about == target.table) return;
  begin(bench);
  const auto& subject = *bench.subject;
  timed.kernels = kernels_of(lower::fuse(*subject.latency_graph, timed.graph->partition),
                             target.lowered, *subject.device, timed_precision(subject.spec));
  if (subject.spec.latency.scope == latency::Scope::subgraph)
    add_legs(bench, target, maxima);
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

}  // namespace gainsweep::pipeline

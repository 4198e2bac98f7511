#include "pipeline/estimate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "lower/pass.hpp"
#include "pipeline/course.hpp"

namespace gainsweep::pipeline {
namespace {

// Of most runs by the fastest; a quiet machine's stay within a few percent.
constexpr double undisturbed = 1.15;

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
    case graph::ElementType::int32:
      return graph::num_elements(value.shape) * 4;
    case graph::ElementType::index:
      return graph::num_elements(value.shape) * 8;
    case graph::ElementType::boolean:
    case graph::ElementType::byte:
    case graph::ElementType::fp8_e4m3:
    case graph::ElementType::fp8_e5m2:
    case graph::ElementType::opaque:
      break;
  }
  return graph::num_elements(value.shape);
}

/// The first linear layer, or, of a model of convolutions, the largest of these.
std::vector<graph::Op>::const_iterator typical_op(const std::vector<graph::Op>& ops) {
  const auto largest = std::max_element(ops.begin(), ops.end(), [](const auto& a, const auto& b) {
    const auto size = [](const graph::Op& op) {
      return op.kind == graph::OpKind::convolution ? op.run_macs : 0;
    };
    return size(a) < size(b);
  });
  if (largest != ops.end() && largest->kind == graph::OpKind::convolution) return largest;
  return std::find_if(ops.begin(), ops.end(),
                      [](const auto& op) { return op.kind == graph::OpKind::linear; });
}

Speed speed_here(const Subject& subject, execute::Precision precision) {
  const auto& ops = subject.layout.partition.ops;
  const auto first = typical_op(ops);
  if (first == ops.end())
    throw Error(ErrorKind::input,
                "the model has no linear layer or convolution to take the speed "
                "of this machine from");
  std::vector<graph::NodeId> nodes{first->node};
  for (std::size_t n = 0; n < first->node.index; ++n)
    if (subject.graph->nodes[n].op == "aten::embedding") nodes.push_back({n});
  execute::Parameters parameters(*subject.model, *subject.device, precision);
  // Probed, because scoring chooses the form of its products by the processor.
  execute::Program program(graph::extract(lower::probe(*subject.graph, ops), nodes), parameters);
  const auto inputs = made_up_inputs(subject, program.graph());
  program.time(inputs);
  std::vector<double> runs(9);
  for (auto& run : runs) run = program.time(inputs);
  std::sort(runs.begin(), runs.end());
  const double fastest = runs.front(), middle = runs[runs.size() / 2];
  return {2e-9 * static_cast<double>(first->run_macs) / fastest, middle > undisturbed * fastest};
}

model::ElementType stored_type(execute::Precision precision) {
  switch (precision) {
    case execute::Precision::bf16:
      return model::ElementType::bf16;
    case execute::Precision::fp32:
      return model::ElementType::fp32;
    case execute::Precision::fp64:
      break;
  }
  return model::ElementType::fp64;
}

// Of what is timed: weights packed in the high format and in each low one that is real for some op,
// the largest as it is before, and what is computed.
std::int64_t timed_bytes(const Subject& subject, const graph::Graph& graph) {
  const auto high = bytes_of(timed_precision(subject.spec));
  std::size_t low = 0;
  for (const auto& formats : subject.layout.real_formats) low = std::max(low, formats.size() - 1);
  std::int64_t elements = 0, largest = 0;
  for (const auto id : multiplied(graph)) {
    const auto own = graph::num_elements(graph.value(id).shape);
    elements += own;
    largest = std::max(largest, own);
  }
  return elements * (high + static_cast<std::int64_t>(low)) + largest * high +
         activation_bytes(graph, high).peak;
}

// Tensors that are stored in the precision are read where they are mapped. Those of a folder
// without weights count as bf16.
bool is_converted(const Subject& subject, graph::ValueId parameter, execute::Precision precision) {
  const auto& checkpoint = *subject.model->parameters;
  if (checkpoint.is_blank()) return precision != execute::Precision::bf16;
  const auto& name = subject.graph->value(parameter).name;
  return checkpoint.tensor(subject.model->checkpoint_name(name)).type != stored_type(precision);
}

std::int64_t converted_bytes(const Subject& subject, execute::Precision precision) {
  std::int64_t bytes = 0;
  for (const auto id : multiplied(*subject.graph))
    if (is_converted(subject, id, precision))
      bytes += graph::num_elements(subject.graph->value(id).shape) * bytes_of(precision);
  return bytes;
}

// The largest weight in fp32, or a block of it, and its magnitudes.
std::int64_t bytes_of_looking_at_weights(const Subject& subject) {
  std::int64_t elements = 0;
  for (const auto& op : subject.layout.partition.ops)
    elements = std::max(elements, op.weight_elements);
  return 2 * 4 * std::min(elements, lower::weight_block);
}

}  // namespace

const Speed& measured_speed(const Subject& subject, execute::Precision precision) {
  static std::map<std::pair<const model::Model*, execute::Precision>, Speed> known;
  const auto [found, is_new] = known.try_emplace({subject.model.get(), precision});
  if (is_new) found->second = speed_here(subject, precision);
  return found->second;
}

std::set<graph::ValueId> multiplied(const graph::Graph& graph) {
  std::set<graph::ValueId> read;
  for (const auto& node : graph.nodes)
    for (const auto id : graph::values_read(node))
      if (node.op != "aten::embedding" && graph.value(id).kind == graph::ValueKind::parameter)
        read.insert(id);
  return read;
}

std::int64_t observing_bytes(const Subject& subject) {
  const auto precision = subject.spec.sensitivity.precision;
  return converted_bytes(subject, precision) +
         std::max(activation_bytes(*subject.graph, bytes_of(precision)).peak,
                  bytes_of_looking_at_weights(subject));
}

execute::Stretches scoring_stretches(const Subject& subject, const graph::Graph& probed) {
  const auto precision = subject.spec.sensitivity.precision;
  return execute::stretches(probed, precision,
                            subject.rank_memory - converted_bytes(subject, precision));
}

std::int64_t scoring_bytes(const Subject& subject) {
  const auto probed = lower::probe(*subject.graph, subject.layout.partition.ops);
  return converted_bytes(subject, subject.spec.sensitivity.precision) +
         scoring_stretches(subject, probed).bytes;
}

std::int64_t timing_bytes(const Subject& subject) {
  if (subject.spec.latency.scope == latency::Scope::model)
    return timed_bytes(subject, *subject.latency_graph);
  const auto ops = graph::quantizable_ops(*subject.latency_graph);
  const auto legs = course(*subject.latency_graph, ops, uncut_head).legs;
  const auto times = times_of(legs);
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < legs.size(); ++i)
    if (times[i] > 0) bytes += timed_bytes(subject, legs[i].graph);
  return bytes;
}

std::int64_t plan_timing_bytes(const Subject& subject) {
  return times_plans(subject) ? timed_bytes(subject, *subject.latency_graph) : 0;
}

std::int64_t checkpoint_bytes(const Subject& subject) {
  return subject.model->parameters->bytes();
}

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

}  // namespace gainsweep::pipeline

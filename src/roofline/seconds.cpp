#include "roofline/seconds.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "format/block.hpp"
#include "graph/ops.hpp"
#include "graph/reads.hpp"

namespace gainsweep::roofline {
namespace {

constexpr double cast_work = 2;  // scale, round
constexpr double seek_work = 1;  // the largest magnitude
constexpr double composed_work = 4;
constexpr double plain_work = 1;
constexpr double bits_of_byte = 8;
constexpr double part_of_cache = 0.5;

// Operators that make a view: no kernel runs.
constexpr std::string_view views[] = {"aten::reshape", "aten::view",   "aten::transpose",
                                      "aten::permute", "aten::t",      "aten::expand",
                                      "aten::slice",   "aten::select", "aten::unsqueeze",
                                      "aten::squeeze", "aten::flatten"};

// Operators of several element-wise steps; any other has one.
constexpr std::string_view composed[] = {"aten::softmax", "aten::rms_norm", "aten::layer_norm",
                                         "aten::silu",    "aten::gelu",     "aten::tanh",
                                         "aten::topk",    "aten::sigmoid"};

template <std::size_t size>
bool is_among(const std::string_view (&names)[size], const std::string& op) {
  const auto name = std::string_view(op).substr(0, op.find('.'));
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

double bytes_of(const format::NumberFormat& number) {
  return format::stored_bits(number) / bits_of_byte;
}

/// An element of what stays high.
double high_bytes(const Run& run) {
  return bytes_of(run.formats.front().weight);
}

double activation_bytes(const Run& run, const format::Format& format) {
  return format.activation ? bytes_of(*format.activation) : high_bytes(run);
}

double from_memory(const Description& description, double bytes) {
  return bytes / description.memory.bandwidth;
}

// Of a tensor between two kernels.
double traffic(const Description& description, double bytes) {
  const auto& cache = description.cache;
  if (cache && bytes <= part_of_cache * cache->bytes) return bytes / cache->bandwidth;
  return from_memory(description, bytes);
}

double filled(const Tile& tile, const Product& product) {
  const auto tiles = ((product.rows + tile.rows - 1) / tile.rows) *
                     ((product.columns + tile.columns - 1) / tile.columns);
  return static_cast<double>(product.rows * product.columns) /
         static_cast<double>(tiles * tile.rows * tile.columns);
}

// Tensors that a pass reads and writes, in bytes each, with the arithmetic on its elements.
struct Pass {
  std::vector<double> bytes;
  double operations = 0;
};

double seconds_of(const Description& description, Fusion fusion, const Pass& pass) {
  if (fusion == Fusion::graph) return pass.operations / description.vector_rate;
  double seconds = description.launch.at(Fusion::none);
  for (const double bytes : pass.bytes) seconds += traffic(description, bytes);
  return seconds;
}

double elements_of(const graph::Graph& graph, graph::ValueId value) {
  return static_cast<double>(graph::num_elements(graph.value(value).shape));
}

double pass_seconds(const Run& run, Fusion fusion, const graph::Node& node,
                    const std::vector<bool>& depends) {
  if (node.outputs.empty() || !depends[node.outputs.front().index] || is_among(views, node.op))
    return 0;
  const double high = high_bytes(run);
  Pass pass;
  double elements = 0;
  for (const auto value : node.outputs) elements += elements_of(run.graph, value);
  pass.bytes.push_back(elements * high);
  auto read = graph::values_read(node);
  std::sort(read.begin(), read.end());
  read.erase(std::unique(read.begin(), read.end()), read.end());
  for (const auto value : read)
    if (depends[value.index]) {
      pass.bytes.push_back(elements_of(run.graph, value) * high * node.needed);
      elements = std::max(elements, elements_of(run.graph, value));
    }
  pass.bytes.front() *= node.needed;
  pass.operations =
      elements * node.needed * (is_among(composed, node.op) ? composed_work : plain_work);
  return seconds_of(run.description, fusion, pass);
}

}  // namespace

Product product_of(const graph::Graph& graph, const graph::Op& op) {
  if (op.weight_elements > 0)
    return {1, op.run_macs / op.weight_elements, op.weight_elements / op.weight_channels,
            op.weight_channels};
  const auto& output = graph.value(graph.node(op.node).outputs.front()).shape;
  const auto columns = output.back();
  const auto rows = output.size() > 1 ? output[output.size() - 2] : 1;
  const auto elements = graph::num_elements(output);
  return {elements / (rows * columns), rows, op.run_macs / elements, columns};
}

bool runs(const Description& description, const graph::Op& op, const format::Format& format) {
  if (graph::is_convolution(op.kind) || (op.weight_elements == 0 && !format.activation))
    return false;
  return rate_of(description, format) != nullptr;
}

double op_seconds(const Run& run, Fusion fusion, OpId id, FormatId format_id) {
  const auto& op = run.ops[id.index];
  const auto& format = run.formats[format_id.index];
  const auto* rate = rate_of(run.description, format);
  if (rate == nullptr)
    throw Error(ErrorKind::internal,
                run.description.device + " has no rate for " + format.name + ". Report this.");
  const auto product = product_of(run.graph, op);
  const double needed = static_cast<double>(op.macs) / static_cast<double>(op.run_macs);
  const double arithmetic =
      2 * static_cast<double>(op.macs) /
      (rate->published * rate->reached * filled(run.description.tile, product));
  double moved = traffic(run.description,
                         needed * high_bytes(run) *
                             static_cast<double>(product.count * product.rows * product.columns));
  for (const auto& operand : op.operands) {
    const double elements = elements_of(run.graph, operand.value);
    moved += operand.role == graph::OperandRole::weight
                 ? from_memory(run.description, bytes_of(format.weight) * elements)
                 : traffic(run.description, needed * activation_bytes(run, format) * elements);
  }
  return std::max(arithmetic, moved) + run.description.launch.at(fusion);
}

double cast_seconds(const Run& run, Fusion fusion, std::int64_t elements, FormatId format_id) {
  const auto& format = run.formats[format_id.index];
  const auto count = static_cast<double>(elements);
  if (!format.activation) return 0;
  const auto& number = *format.activation;
  const double high = count * high_bytes(run);
  double seconds =
      seconds_of(run.description, fusion, {{high, count * bytes_of(number)}, count * cast_work});
  if (number.scale == format::ScaleRule::dynamic_max && format::has_operand_scale(number))
    seconds += seconds_of(run.description, fusion, {{high}, count * seek_work});
  return seconds;
}

double pass_seconds(const Run& run, Fusion fusion, graph::NodeId node) {
  return pass_seconds(run, fusion, run.graph.node(node), graph::depends_on_inputs(run.graph));
}

double subgraph_seconds(const Run& run, Fusion fusion, const graph::Subgraph& subgraph,
                        const graph::Configuration& configuration) {
  double seconds = 0;
  std::set<std::pair<graph::ValueId, FormatId>> cast;
  for (std::size_t i = 0; i < subgraph.ops.size(); ++i) {
    seconds += op_seconds(run, fusion, subgraph.ops[i], configuration[i]);
    if (configuration[i] == high_format) continue;
    for (const auto& operand : run.ops[subgraph.ops[i].index].operands)
      if (operand.role == graph::OperandRole::activation)
        cast.emplace(operand.value, configuration[i]);
  }
  for (const auto& [value, format] : cast)
    seconds += cast_seconds(run, fusion, graph::num_elements(run.graph.value(value).shape), format);
  return seconds;
}

double run_seconds(const Run& run, Fusion fusion) {
  double seconds = 0;
  std::vector<bool> is_op(run.graph.nodes.size());
  for (std::size_t i = 0; i < run.ops.size(); ++i) {
    is_op[run.ops[i].node.index] = true;
    seconds += op_seconds(run, fusion, {i}, high_format);
  }
  const auto depends = graph::depends_on_inputs(run.graph);
  for (std::size_t n = 0; n < run.graph.nodes.size(); ++n)
    if (!is_op[n]) seconds += pass_seconds(run, fusion, run.graph.nodes[n], depends);
  return seconds;
}

}  // namespace gainsweep::roofline

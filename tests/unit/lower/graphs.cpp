#include "graphs.hpp"

#include <algorithm>

namespace gainsweep::lower::graphs {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr std::int64_t width = 8;

ValueId linear(Graph& graph, ValueId x, const std::string& path) {
  const auto w = graph.add_parameter(path + ".weight", {width, width});
  return graph.add_node("aten::linear", {x, w}, {4, width}, path);
}

}  // namespace

graph::Graph gated() {
  Graph graph;
  graph.name = "gated";
  const auto x = graph.add_input("x", graph::ElementType::real, {4, width});
  const auto gate = graph.add_node("aten::silu", {linear(graph, x, "gate")}, {4, width}, "silu");
  const auto up = linear(graph, x, "up");
  const auto product = graph.add_node("aten::mul.Tensor", {gate, up}, {4, width}, "product");
  const auto y = linear(graph, product, "down");
  const auto t = graph.add_node("aten::t", {y}, {width, 4}, "transpose");
  graph.outputs = {graph.add_node("aten::matmul", {y, t}, {4, 4}, "gram")};
  return graph;
}

std::size_t count(const graph::Graph& graph, const std::string& op) {
  return static_cast<std::size_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                                [&](const auto& node) { return node.op == op; }));
}

std::vector<format::Format> formats() {
  return {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3")};
}

Maxima maxima(const std::vector<graph::Op>& ops) {
  Maxima result(ops.size());
  for (std::size_t op = 0; op < ops.size(); ++op) {
    for (std::size_t k = 0; k < ops[op].operands.size(); ++k) {
      const bool activation = ops[op].operands[k].role == graph::OperandRole::activation;
      const double number = 1.0 + 0.1 * static_cast<double>(op) + 0.01 * static_cast<double>(k);
      result[op].push_back(activation ? static_cast<float>(number) : 0.0F);
    }
  }
  return result;
}

}  // namespace gainsweep::lower::graphs

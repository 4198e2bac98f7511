// Prints programs lowered for CUDA, for a test that runs them on tensors without memory:
// print_cuda FORMAT SCALE GRANULARITY HIGH, where SCALE is static or dynamic and HIGH fp32 or bf16.

#include <iostream>

#include "graph/print.hpp"
#include "lower/pass.hpp"

namespace {

using namespace gainsweep;
using graph::ElementType;

/// Two layers of one value, one with a bias, after a transposition that leaves strides.
graph::Graph two_layers() {
  graph::Graph graph;
  graph.name = "two layers";
  const auto x = graph.add_input("x", ElementType::real, {2, 96, 20});
  const auto turned = graph.add_node("aten::transpose.int", {x, std::int64_t{1}, std::int64_t{2}},
                                     {2, 20, 96}, "turned");
  const auto w = graph.add_parameter("w", {160, 96}), v = graph.add_parameter("v", {160, 96});
  const auto b = graph.add_parameter("b", {160});
  const auto gate = graph.add_node("aten::linear", {turned, w, b}, {2, 20, 160}, "gate");
  const auto up = graph.add_node("aten::linear", {turned, v}, {2, 20, 160}, "up");
  graph.outputs = {graph.add_node("aten::mul.Tensor", {gate, up}, {2, 20, 160}, "product")};
  return graph;
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) return 2;
  auto low = format::by_name(words[1]);
  if (std::string(words[2]) == "dynamic") low.activation->scale = format::ScaleRule::dynamic_max;
  low.weight.granularity = enumerator<format::Granularity>(words[3]);
  auto high = format::by_name("bf16");
  high.name = words[4];
  const auto graph = two_layers();
  const auto partition = graph::partition(graph, {}, 2);
  std::cout << graph::to_text(lower::lower(graph, partition, {{1}, {1}}, {high, low},
                                           {{3.0F, 1.0F}, {3.0F, 1.0F}},
                                           lower::targets().at("cuda")));
}

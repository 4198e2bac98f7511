#include "graph/rows.hpp"

#include <algorithm>
#include <set>

#include "graph/excerpt.hpp"

namespace gainsweep::graph {
namespace {

void add_producers(const Graph& graph, ValueId value, std::set<NodeId>& nodes) {
  const auto& producer = graph.value(value).producer;
  if (!producer || !nodes.insert(*producer).second) return;
  for (const ValueId id : values_read(graph.node(*producer))) add_producers(graph, id, nodes);
}

/// The nodes that some values are computed by, with `first` as the first inputs.
Graph excerpt(const Graph& graph, const std::vector<ValueId>& first,
              const std::vector<ValueId>& outputs) {
  std::set<NodeId> nodes;
  for (const ValueId id : outputs) add_producers(graph, id, nodes);
  Excerpt excerpt(graph);
  for (const ValueId id : first) excerpt.import(id);
  for (const NodeId id : nodes) excerpt.append(id);
  for (const ValueId id : outputs) excerpt.add_output(id);
  return std::move(excerpt).finish();
}

Graph block(const Graph& graph, const Node& layer, std::int64_t first, std::int64_t last) {
  const Value& read = graph.value(std::get<ValueId>(layer.arguments[0]));
  const Value& weight = graph.value(std::get<ValueId>(layer.arguments[1]));
  Graph block{.name = graph.name};
  const ValueId x = block.add_input("x", read.type, read.shape);
  const ValueId whole = block.add_parameter(weight.name, weight.shape);
  const ValueId rows = block.add_node("aten::slice.Tensor", {whole, std::int64_t{0}, first, last},
                                      {last - first, weight.shape[1]}, layer.path);
  Shape shape = read.shape;
  shape.back() = last - first;
  block.outputs = {block.add_node(layer.op, {x, rows}, shape, layer.path)};
  return block;
}

bool fits(const Graph& graph, const Node& layer) {
  return layer.op == "aten::linear" && layer.arguments.size() == 2 &&
         graph.value(std::get<ValueId>(layer.arguments[1])).kind == ValueKind::parameter;
}

}  // namespace

std::optional<InRows> in_rows(const Graph& graph, NodeId linear, std::int64_t rows) {
  const Node& layer = graph.node(linear);
  if (!fits(graph, layer) || graph.inputs.empty()) return std::nullopt;
  const ValueId read = std::get<ValueId>(layer.arguments[0]);
  const auto total = graph.value(std::get<ValueId>(layer.arguments[1])).shape[0];
  InRows cut;
  Graph joined = graph;
  std::vector<ValueId> parts;
  for (std::int64_t first = 0; first < total; first += rows) {
    cut.blocks.push_back(block(graph, layer, first, std::min(total, first + rows)));
    const Value& made = cut.blocks.back().value(cut.blocks.back().outputs.front());
    parts.push_back(joined.add_input("part " + std::to_string(first), made.type, made.shape));
  }
  joined.nodes[linear.index].op = "aten::cat";
  joined.nodes[linear.index].arguments = {parts, std::int64_t{-1}};
  cut.after = excerpt(joined, parts, graph.outputs);
  const Value& first = graph.value(graph.inputs.front());
  for (std::size_t i = parts.size(); i < cut.after.inputs.size(); ++i)
    if (cut.after.value(cut.after.inputs[i]).name == first.name) return std::nullopt;
  if (graph.value(read).producer) cut.before = excerpt(graph, {graph.inputs.front()}, {read});
  return cut;
}

}  // namespace gainsweep::graph

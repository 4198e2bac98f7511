#include "lower/rewrite.hpp"

#include "graph/segments.hpp"

namespace gainsweep::lower {
namespace {

/// A graph without the values that no node makes any more, under new ids.
graph::Graph compacted(const graph::Graph& graph) {
  graph::Segment whole{.inputs = graph.inputs, .outputs = graph.outputs};
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) whole.nodes.push_back(graph::NodeId{n});
  return graph::extract(graph, whole);
}

}  // namespace

Rewrite::Rewrite(const graph::Graph& source) : target_(source) {
  target_.nodes.clear();
  for (auto& value : target_.values) value.producer.reset();
}

void Rewrite::keep(const graph::Node& node) {
  replace(node, node.op, node.arguments);
}

void Rewrite::replace(const graph::Node& node, std::string op,
                      std::vector<graph::Argument> arguments) {
  const graph::NodeId id{target_.nodes.size()};
  target_.nodes.push_back(
      {std::move(op), std::move(arguments), node.outputs, node.path, node.needed});
  for (const auto output : node.outputs) target_.values[output.index].producer = id;
}

graph::ValueId Rewrite::constant(double number, graph::ElementType type) {
  const auto [place, inserted] = constants_.try_emplace({type, number});
  if (inserted) place->second = target_.add_constant("", {}, {number}, type);
  return place->second;
}

graph::Graph Rewrite::finish() && {
  if (leaves_out_) target_ = compacted(target_);
  graph::validate(target_);
  return std::move(target_);
}

}  // namespace gainsweep::lower

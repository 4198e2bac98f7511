#include <algorithm>
#include <map>
#include <numeric>

#include "lower/pass.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument, graph::ValueId;

/// Copies values with all that they are computed from, each once.
class Copier {
 public:
  Copier(const graph::Graph& source, graph::Graph& target) : source_(source), target_(target) {}

  ValueId copy(ValueId id) {
    if (const auto known = copies_.find(id.index); known != copies_.end()) return known->second;
    const auto& value = source_.value(id);
    if (value.producer) {
      copy_node(source_.node(*value.producer));
      return copies_.at(id.index);
    }
    const ValueId made{target_.values.size()};
    target_.values.push_back(value);
    return copies_[id.index] = made;
  }

 private:
  void copy_node(const graph::Node& node) {
    auto arguments = node.arguments;
    for (auto& argument : arguments) {
      if (auto* one = std::get_if<ValueId>(&argument)) *one = copy(*one);
      if (auto* list = std::get_if<std::vector<ValueId>>(&argument))
        for (auto& id : *list) id = copy(id);
    }
    const graph::NodeId place{target_.nodes.size()};
    target_.nodes.push_back({node.op, std::move(arguments), {}, node.path});
    for (const auto output : node.outputs) {
      const ValueId made{target_.values.size()};
      target_.values.push_back(source_.value(output));
      target_.values.back().producer = place;
      target_.nodes.back().outputs.push_back(made);
      copies_[output.index] = made;
    }
  }

  const graph::Graph& source_;
  graph::Graph& target_;
  std::map<std::size_t, ValueId> copies_;  // by value of the source
};

/// Adds the largest magnitudes of a weight's rows as outputs.
void add_largest(graph::Graph& target, ValueId weight, const std::string& path,
                 std::int64_t block_elements) {
  const auto shape = target.value(weight).shape;
  std::vector<std::int64_t> inner(shape.size() - 1);
  std::iota(inner.begin(), inner.end(), 1);
  const auto all = shape.front();
  const auto of_row = graph::num_elements(shape) / all;
  const auto most = std::max<std::int64_t>(1, block_elements / of_row);
  for (std::int64_t first = 0; first < all; first += most) {
    auto rows = weight;
    auto part = shape;
    part.front() = std::min(most, all - first);
    if (part.front() < all)
      rows = target.add_node("aten::slice.Tensor",
                             {weight, std::int64_t{0}, first, first + part.front()}, part, path);
    const auto magnitudes = target.add_node("aten::abs", {rows}, part, path);
    target.outputs.push_back(
        target.add_node("aten::amax", {magnitudes, inner, false}, {part.front()}, path));
  }
}

}  // namespace

graph::Graph weight_maxima(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                           std::int64_t block_elements) {
  graph::Graph target;
  target.name = graph.name + ", weights";
  Copier copier(graph, target);
  for (const auto& op : ops) {
    for (const auto& operand : op.operands) {
      if (operand.role != graph::OperandRole::weight) continue;
      const auto weight = copier.copy(operand.value);
      add_largest(target, weight, op.path, block_elements);
    }
  }
  graph::validate(target);
  return target;
}

}  // namespace gainsweep::lower

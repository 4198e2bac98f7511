#include "graph/excerpt.hpp"

#include <utility>

namespace gainsweep::graph {

ValueId Excerpt::import(ValueId id) {
  if (const auto found = known_.find(id.index); found != known_.end()) return found->second;
  Value value = whole_.value(id);
  const ValueId copy{part_.values.size()};
  if (value.kind == ValueKind::intermediate || value.kind == ValueKind::input) {
    value.kind = ValueKind::input;
    value.producer.reset();
    if (value.name.empty()) value.name = "%" + std::to_string(id.index);
    part_.inputs.push_back(copy);
  }
  part_.values.push_back(std::move(value));
  known_.emplace(id.index, copy);
  return copy;
}

void Excerpt::append(NodeId id) {
  Node node = whole_.node(id);
  for (Argument& argument : node.arguments) {
    if (auto* one = std::get_if<ValueId>(&argument)) {
      *one = import(*one);
    } else if (auto* list = std::get_if<std::vector<ValueId>>(&argument)) {
      for (ValueId& element : *list) element = import(element);
    }
  }
  for (ValueId& output : node.outputs) {
    const ValueId copy{part_.values.size()};
    part_.values.push_back(whole_.value(output));
    part_.values.back().producer = NodeId{part_.nodes.size()};
    known_.emplace(output.index, copy);
    output = copy;
  }
  part_.nodes.push_back(std::move(node));
}

}  // namespace gainsweep::graph

#include "graph/graph.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::graph {
namespace {

ValueId append(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return {graph.values.size() - 1};
}

ValueId append_output(Graph& graph, Shape shape, ElementType type) {
  const NodeId producer{graph.nodes.size() - 1};
  const ValueId id = append(graph, {.kind = ValueKind::intermediate,
                                    .type = type,
                                    .shape = std::move(shape),
                                    .producer = producer});
  graph.nodes.back().outputs.push_back(id);
  return id;
}

[[noreturn]] void fail(const Graph& graph, const std::string& what) {
  throw Error(ErrorKind::internal, "graph `" + graph.name + "`: " + what);
}

std::string describe(const Graph& graph, std::size_t node) {
  const Node& n = graph.nodes[node];
  return "node " + std::to_string(node) + " (" + n.op + (n.path.empty() ? "" : " " + n.path) + ")";
}

std::string describe(ValueId id) {
  return "%" + std::to_string(id.index);
}

void validate_value(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (std::any_of(value.shape.begin(), value.shape.end(), [](auto size) { return size < 0; })) {
    fail(graph, describe(id) + " has a negative size in its shape.");
  }
  if ((value.kind == ValueKind::intermediate) != value.producer.has_value()) {
    fail(graph, describe(id) + " must have a producer exactly if it is an intermediate value.");
  }
  if (value.kind == ValueKind::constant &&
      static_cast<std::int64_t>(value.elements.size()) != num_elements(value.shape)) {
    fail(graph, "constant " + describe(id) + " holds " + std::to_string(value.elements.size()) +
                    " numbers, its shape " + std::to_string(num_elements(value.shape)) + ".");
  }
  if (!value.producer) return;
  if (value.producer->index >= graph.nodes.size()) {
    fail(graph, describe(id) + " names a producer that does not exist.");
  }
  const auto& outputs = graph.node(*value.producer).outputs;
  if (std::count(outputs.begin(), outputs.end(), id) != 1) {
    fail(graph, describe(id) + " names " + describe(graph, value.producer->index) +
                    " as its producer, which does not list it once among its outputs.");
  }
}

void validate_node(const Graph& graph, std::size_t node) {
  for (const ValueId id : values_read(graph.nodes[node])) {
    if (id.index >= graph.values.size()) {
      fail(graph, describe(graph, node) + " reads " + describe(id) + ", which does not exist.");
    }
    const auto& producer = graph.value(id).producer;
    if (producer && producer->index >= node) {
      fail(graph, describe(graph, node) + " reads " + describe(id) +
                      " before it is computed (nodes must be in topological order).");
    }
  }
  for (const ValueId id : graph.nodes[node].outputs) {
    if (id.index >= graph.values.size()) {
      fail(graph, describe(graph, node) + " writes " + describe(id) + ", which does not exist.");
    }
    if (graph.value(id).producer != NodeId{node}) {
      fail(graph, describe(graph, node) + " writes " + describe(id) +
                      ", which names another producer or none.");
    }
  }
}

}  // namespace

std::int64_t num_elements(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

ValueId Graph::add_input(std::string value_name, ElementType type, Shape shape) {
  const ValueId id = append(*this, {.name = std::move(value_name),
                                    .kind = ValueKind::input,
                                    .type = type,
                                    .shape = std::move(shape)});
  inputs.push_back(id);
  return id;
}

ValueId Graph::add_parameter(const std::string& value_name, Shape shape) {
  const auto [known, added] = parameters.try_emplace(value_name);
  if (added) {
    known->second = append(
        *this, {.name = value_name, .kind = ValueKind::parameter, .shape = std::move(shape)});
  } else if (value(known->second).shape != shape) {
    fail(*this, "parameter `" + value_name + "` is added with two different shapes.");
  }
  return known->second;
}

ValueId Graph::add_constant(std::string value_name, Shape shape, std::vector<double> elements,
                            ElementType type) {
  if (static_cast<std::int64_t>(elements.size()) != num_elements(shape)) {
    fail(*this, "constant `" + value_name + "` has a shape of " +
                    std::to_string(num_elements(shape)) + " elements and is given " +
                    std::to_string(elements.size()) + ".");
  }
  return append(*this, {.name = std::move(value_name),
                        .kind = ValueKind::constant,
                        .type = type,
                        .shape = std::move(shape),
                        .elements = std::move(elements)});
}

ValueId Graph::add_node(std::string op, std::vector<Argument> arguments, Shape shape,
                        std::string path, ElementType type) {
  nodes.push_back(
      {.op = std::move(op), .arguments = std::move(arguments), .path = std::move(path)});
  return append_output(*this, std::move(shape), type);
}

ValueId Graph::add_output(Shape shape, ElementType type) {
  if (nodes.empty()) fail(*this, "an output is added before any node.");
  return append_output(*this, std::move(shape), type);
}

std::vector<ValueId> values_read(const Node& node) {
  std::vector<ValueId> read;
  for (const Argument& argument : node.arguments) {
    if (const auto* one = std::get_if<ValueId>(&argument)) {
      read.push_back(*one);
    } else if (const auto* list = std::get_if<std::vector<ValueId>>(&argument)) {
      read.insert(read.end(), list->begin(), list->end());
    }
  }
  return read;
}

void validate(const Graph& graph) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) validate_value(graph, {i});
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) validate_node(graph, i);
  for (const ValueId id : graph.inputs) {
    if (id.index >= graph.values.size() || graph.value(id).kind != ValueKind::input) {
      fail(graph, "graph input " + describe(id) + " is not an input value.");
    }
  }
  for (const ValueId id : graph.outputs) {
    if (id.index >= graph.values.size()) {
      fail(graph, "graph output " + describe(id) + " does not exist.");
    }
  }
}

}  // namespace gainsweep::graph

#include "base/text.hpp"
#include "graph/notation.hpp"
#include "graph/print.hpp"

namespace gainsweep::graph {
namespace {

/// Told from an integer by a point.
std::string number_text(double number) {
  const std::string text = shortest(number);
  return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

const char* type_name(ElementType type) {
  switch (type) {
    case ElementType::real:
      return "real";
    case ElementType::fp32:
      return "fp32";
    case ElementType::index:
      return "index";
    case ElementType::int32:
      return "int32";
    case ElementType::boolean:
      return "boolean";
    case ElementType::byte:
      return "byte";
    case ElementType::fp8_e4m3:
      return "fp8_e4m3";
    case ElementType::fp8_e5m2:
      return "fp8_e5m2";
    case ElementType::opaque:
      return "opaque";
  }
  return "?";
}

/// Writes an argument of a call.
struct ArgumentText {
  const Graph& graph;

  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(Default) const { return "default"; }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return number_text(number); }
  std::string operator()(const std::string& word) const { return escape(word); }
  std::string operator()(const std::vector<std::int64_t>& list) const { return to_text(list); }
  std::string operator()(ValueId id) const { return value_text(graph, id); }
  std::string operator()(const std::vector<ValueId>& list) const {
    return "[" + join(list, *this) + "]";
  }
};

std::string node_text(const Graph& graph, const Node& node) {
  const auto reference = [&](ValueId id) { return value_text(graph, id); };
  const auto type = [&](ValueId id) { return type_text(graph.value(id)); };
  return join(node.outputs, reference) + " = " + call_text(graph, node) + " : " +
         join(node.outputs, type) + (node.path.empty() ? "" : "  # " + node.path);
}

}  // namespace

std::string to_text(const Shape& shape) {
  return "[" + join(shape, [](std::int64_t size) { return std::to_string(size); }) + "]";
}

std::string type_text(const Value& value) {
  return type_name(value.type) + to_text(value.shape);
}

std::string value_text(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.kind == ValueKind::parameter) return value.name;
  if (value.kind != ValueKind::constant) return "%" + std::to_string(id.index);
  if (value.elements.size() == 1) return number_text(value.elements.front());
  return (value.name.empty() ? "constant" : value.name) + to_text(value.shape);
}

std::string call_text(const Graph& graph, const Node& node) {
  const auto text = [&](const Argument& argument) {
    return std::visit(ArgumentText{graph}, argument);
  };
  return node.op + "(" + join(node.arguments, text) + ")";
}

std::string to_text(const Graph& graph) {
  std::string text = "graph " + graph.name + "\n";
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    text += "input %" + std::to_string(id.index) + " : " + type_text(value) +
            (value.name.empty() ? "" : "  # " + value.name) + "\n";
  }
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::parameter) {
      text += "parameter " + value.name + " : " + type_text(value) + "\n";
    }
  }
  for (const Node& node : graph.nodes) text += node_text(graph, node) + "\n";
  text += "return " + join(graph.outputs, [&](ValueId id) { return value_text(graph, id); }) + "\n";
  return text;
}

}  // namespace gainsweep::graph

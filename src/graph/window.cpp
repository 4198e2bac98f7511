#include "graph/window.hpp"

#include <string>
#include <variant>

#include "base/error.hpp"

namespace gainsweep::graph {
namespace {

const Argument* argument(const Node& node, std::size_t index) {
  return index < node.arguments.size() ? &node.arguments[index] : nullptr;
}

/// An argument given in full, as one number for all dimensions, or left to its default.
std::vector<std::int64_t> per_dimension(const Node& node, std::size_t index, std::size_t dimensions,
                                        std::int64_t otherwise) {
  const auto* given = argument(node, index);
  if (given == nullptr) return std::vector(dimensions, otherwise);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(given))
    return list->size() == 1 ? std::vector(dimensions, list->front()) : *list;
  if (const auto* one = std::get_if<std::int64_t>(given)) return std::vector(dimensions, *one);
  if (!std::holds_alternative<std::string>(*given)) return std::vector(dimensions, otherwise);
  throw Error(ErrorKind::internal, "node `" + node.op + "` (" + node.path + "): argument " +
                                       std::to_string(index) +
                                       " is not a list of integers (padding by name is not "
                                       "supported). Give the padding in numbers");
}

}  // namespace

Window window_of(const Graph& graph, const Node& node) {
  const auto dimensions = graph.value(std::get<ValueId>(node.arguments.at(1))).shape.size() - 2;
  const auto* groups = argument(node, node.op == "aten::convolution" ? 8 : 6);
  const auto* number = groups == nullptr ? nullptr : std::get_if<std::int64_t>(groups);
  return {.stride = per_dimension(node, 3, dimensions, 1),
          .padding = per_dimension(node, 4, dimensions, 0),
          .dilation = per_dimension(node, 5, dimensions, 1),
          .groups = number == nullptr ? 1 : *number};
}

}  // namespace gainsweep::graph

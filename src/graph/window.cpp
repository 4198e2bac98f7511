#include "graph/window.hpp"

#include <string>
#include <variant>

#include "base/error.hpp"
#include "graph/reads.hpp"

namespace gainsweep::graph {
namespace {

[[noreturn]] void refuse(const Node& node, std::size_t index, const std::string& why) {
  throw Error(ErrorKind::internal, "node `" + node.op + "` (" + node.path + "): argument " +
                                       std::to_string(index) + " is not " + why);
}

/// An argument given in full, as one number for all dimensions, or left to its default.
std::vector<std::int64_t> per_dimension(const Node& node, std::size_t index, std::size_t dimensions,
                                        std::int64_t otherwise) {
  const auto given = argument_or_none(node, index);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&given))
    return list->size() == 1 ? std::vector(dimensions, list->front()) : *list;
  if (const auto* one = std::get_if<std::int64_t>(&given)) return std::vector(dimensions, *one);
  if (std::holds_alternative<std::monostate>(given)) return std::vector(dimensions, otherwise);
  refuse(node, index,
         "a list of integers (padding by name is not supported). Give the padding in numbers");
}

std::int64_t groups_of(const Node& node) {
  const std::size_t index = node.op == "aten::convolution" ? 8 : 6;
  const auto given = argument_or_none(node, index);
  if (std::holds_alternative<std::monostate>(given)) return 1;
  const auto* number = std::get_if<std::int64_t>(&given);
  if (number == nullptr) refuse(node, index, "a number of groups");
  return *number;
}

}  // namespace

Window window_of(const Graph& graph, const Node& node) {
  const auto dimensions = graph.value(std::get<ValueId>(node.arguments.at(1))).shape.size() - 2;
  return {.stride = per_dimension(node, 3, dimensions, 1),
          .padding = per_dimension(node, 4, dimensions, 0),
          .dilation = per_dimension(node, 5, dimensions, 1),
          .groups = groups_of(node)};
}

}  // namespace gainsweep::graph

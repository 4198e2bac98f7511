#include "exported/reads.hpp"

#include "base/text.hpp"

namespace gainsweep::exported {
namespace {

void add_all(std::vector<std::string>& names, const Argument& argument) {
  const auto own = tensors_in(argument);
  names.insert(names.end(), own.begin(), own.end());
}

}  // namespace

std::vector<std::string> tensors_in(const Argument& argument) {
  std::vector<std::string> names;
  if (const auto* one = std::get_if<TensorName>(&argument)) names.push_back(one->name);
  if (const auto* all = std::get_if<std::vector<TensorName>>(&argument))
    for (const auto& tensor : *all) names.push_back(tensor.name);
  if (const auto* some = std::get_if<std::vector<std::optional<TensorName>>>(&argument))
    for (const auto& tensor : *some)
      if (tensor) names.push_back(tensor->name);
  return names;
}

std::vector<std::string> tensors_read(const Node& node) {
  std::vector<std::string> names;
  for (const auto& argument : node.arguments) add_all(names, argument.value);
  return names;
}

std::vector<std::string> tensors_given(const Node& node) {
  std::vector<std::string> names;
  for (const auto& result : node.results) add_all(names, result);
  return names;
}

std::string described(const Node& node) {
  return "node " + quote(node.name) + " (" + one_line(node.target) + ")" +
         (node.module.empty() ? "" : " of the module " + quote(node.module));
}

}  // namespace gainsweep::exported

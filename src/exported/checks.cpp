#include "exported/checks.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "exported/operators.hpp"
#include "exported/reads.hpp"
#include "exported/refusal.hpp"

namespace gainsweep::exported {
namespace {

/// What run_decompositions() makes of operators.
const std::map<std::string, const char*> decomposed{
    {"aten::addmm.default", "linear"},
    {"aten::convolution.default", "conv2d"},
    {"aten::native_layer_norm.default", "layer_norm"},
    {"aten::_softmax.default", "softmax"},
    {"aten::max_pool2d_with_indices.default", "max_pool2d"}};

bool trains(const Node& node) {
  const auto of_mode = [](const NamedArgument& argument) {
    const auto* on = std::get_if<bool>(&argument.value);
    return (argument.name == "training" || argument.name == "train") && on != nullptr && *on;
  };
  return std::ranges::any_of(node.arguments, of_mode);
}

}  // namespace

void check_is_inference(const Program& program, const std::filesystem::path& file) {
  std::set<std::string> inputs;
  for (const auto& input : program.inputs) inputs.insert(input.name);
  for (const auto& node : program.nodes) {
    if (trains(node))
      refuse(file, described(node) + " is in training mode",
             "Call model.eval() before exporting, and export again");
    const auto former = decomposed.find(node.target);
    if (program.is_functional && former != decomposed.end())
      refuse(file,
             described(node) + " is what run_decompositions() makes of " + former->second +
                 ", and hides which weights are multiplied",
             "Save the program as exported, or after run_decompositions({}) with an empty table");
    if (!works_in_place(node.target) || node.arguments.empty()) continue;
    const auto* written = std::get_if<TensorName>(&node.arguments.front().value);
    if (written != nullptr && inputs.contains(written->name))
      refuse(file,
             described(node) + " writes into " + quote(written->name) +
                 ", which is an input, a weight or a buffer of the model",
             "Call model.eval() before exporting; if it stays so, let `forward` work on a copy");
  }
}

void check_stored(const Program& program, const std::filesystem::path& file) {
  for (const auto& input : program.inputs) {
    if (input.kind == Input::Kind::user) continue;
    const auto stored = program.tensors.find(input.stored);
    if (stored == program.tensors.end())
      refuse(file, "no tensor is stored as " + quote(input.stored) + ", which the graph reads as " +
                       quote(input.name));
    const auto& value = program.values.at(input.name);
    const bool is_same =
        value.type == stored->second.type &&
        std::ranges::equal(value.sizes, stored->second.sizes,
                           [](const Size& size, std::int64_t extent) {
                             return size.expression.empty() && size.value == extent;
                           });
    if (!is_same)
      refuse(file, "tensor " + quote(input.stored) +
                       " is stored with another type or other sizes than the graph's " +
                       quote(input.name) + " has");
  }
}

}  // namespace gainsweep::exported

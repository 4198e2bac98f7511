#include "exported/translation.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "exported/attention.hpp"
#include "exported/batch_norm.hpp"
#include "exported/in_place.hpp"
#include "exported/reads.hpp"
#include "exported/refusal.hpp"
#include "exported/translator.hpp"

namespace gainsweep::exported {
namespace {

using graph::ValueId;

/// Whether a node works on sizes alone, which are known.
bool is_of_sizes(const Node& node) {
  if (node.target.starts_with("_operator.") || node.target.starts_with("aten::sym_") ||
      node.target.starts_with("aten::_assert_scalar") || node.target.starts_with("math."))
    return tensors_given(node).empty();
  return false;
}

std::string supported() {
  std::vector<std::string> names;
  for (const auto& known : operators())
    names.push_back(known.name.substr(known.name.find("::") + 2));
  return join(names);
}

void check_arguments(const Translator& translator, const Call& call) {
  for (const auto& given : call.node.arguments)
    if (std::ranges::find(call.op.arguments, given.name) == call.op.arguments.end() &&
        call.op.form != Operator::Form::nothing)
      translator.refuse(call.node, "has an argument " + quote(given.name) + " that is not known",
                        "Export the model with a version of PyTorch that docs/exported_models.md "
                        "names");
}

/// Its arguments in the order of the schema.
std::vector<graph::Argument> arguments_of(Translator& translator, const Call& call) {
  std::vector<graph::Argument> arguments;
  for (const auto& name : call.op.arguments) {
    const auto* given = call.find(name);
    arguments.push_back(given == nullptr ? graph::Argument{graph::Default{}}
                                         : translator.argument(call.node, *given));
  }
  while (!arguments.empty() && std::holds_alternative<graph::Default>(arguments.back()))
    arguments.pop_back();
  return arguments;
}

/// What makes numbers of nothing has the type of the program, whatever PyTorch's default is.
void fix_type(const Call& call, graph::ElementType type, std::vector<graph::Argument>& arguments) {
  const auto place = std::ranges::find(call.op.arguments, "layout") - call.op.arguments.begin() - 1;
  const auto index = static_cast<std::size_t>(place);
  if (index + 1 >= call.op.arguments.size()) return;
  if (arguments.size() <= index) arguments.resize(index + 1, graph::Default{});
  arguments[index] = name_of(type);
}

/// Operators that take a number where the schema has a tensor are called by their other overload.
std::string overload(const Call& call, const std::vector<graph::Argument>& arguments) {
  constexpr std::string_view ending = ".Tensor";
  const bool takes_number = call.op.name.ends_with(ending) && arguments.size() > 1 &&
                            call.op.arguments[1] == "other" &&
                            (std::holds_alternative<double>(arguments[1]) ||
                             std::holds_alternative<std::int64_t>(arguments[1]) ||
                             std::holds_alternative<bool>(arguments[1]));
  if (!takes_number) return call.op.name;
  return call.op.name.substr(0, call.op.name.size() - ending.size()) + ".Scalar";
}

bool is_product(const Operator& op) {
  return op.name == "aten::matmul" || op.name == "aten::bmm";
}

bool is_layer(const Operator& op) {
  return op.name == "aten::linear" || op.name.starts_with("aten::conv");
}

/// Walks a program's nodes.
class Walk {
 public:
  Walk(const Program& program, const Symbols& symbols, const std::filesystem::path& file)
      : translator_(program, symbols, file) {}

  void node(const Node& node) {
    if (is_of_sizes(node)) return;
    const auto* op = find_operator(node.target);
    if (op == nullptr)
      translator_.refuse(node, "is not supported",
                         "Write this part of the model with operators that are: " + supported());
    const Call call{node, *op};
    check_arguments(translator_, call);
    switch (op->form) {
      case Operator::Form::nothing:
        return;
      case Operator::Form::identity:
        return same(call);
      case Operator::Form::conversion:
        return convert(call);
      case Operator::Form::batch_norm:
        return write_batch_norm(translator_, call);
      case Operator::Form::attention:
        return write_attention(translator_, call);
      case Operator::Form::call:
        return write(call);
    }
  }

  Translation finish(const std::filesystem::path& file) && {
    const auto& outputs = translator_.program().outputs;
    const auto* first = outputs.empty() ? nullptr : std::get_if<TensorName>(&outputs.front());
    if (first == nullptr)
      refuse(file, "the model's first output is no tensor",
             "Let `forward` return the class scores, or the embedding, first");
    const auto output = translator_.value(first->name);
    graph::validate(translator_.graph());
    return {std::move(translator_.graph()), output};
  }

 private:
  void same(const Call& call) {
    translator_.name(translator_.result(call.node),
                     translator_.operand(call, call.op.arguments.front()));
  }

  void convert(const Call& call) {
    const auto result = translator_.result(call.node);
    const auto source = translator_.operand(call, "self");
    const auto type = translator_.type_of(call.node, result);
    if (translator_.graph().value(source).type == type) return translator_.name(result, source);
    translator_.name(
        result, translator_.graph().add_node("aten::to.dtype", {source, name_of(type)},
                                             translator_.shape_of(result), call.node.module, type));
  }

  void write(const Call& call) {
    if (is_layer(call.op) || is_product(call.op)) check_operands(call);
    if (is_product(call.op) && write_linear(call)) return;
    auto arguments = arguments_of(translator_, call);
    const auto results = tensors_given(call.node);
    const auto type = translator_.type_of(call.node, translator_.result(call.node));
    if (std::ranges::find(call.op.arguments, "layout") != call.op.arguments.end())
      fix_type(call, type, arguments);
    auto path = call.node.module;
    if (is_product(call.op)) path = translator_.op_path(call.node, ".matmul");
    if (is_layer(call.op)) path = translator_.op_path(call.node);
    std::optional<std::string> normed;
    if (call.op.name == "aten::conv2d")
      normed = fold_batch_norm(translator_, call, path, arguments);
    auto& graph = translator_.graph();
    const auto name = overload(call, arguments);
    auto value = graph.add_node(name, std::move(arguments), translator_.shape_of(results.front()),
                                path, type);
    translator_.name(results.front(), value);
    if (normed) translator_.name(*normed, value);
    for (std::size_t i = 1; i < results.size(); ++i) {
      value = graph.add_output(translator_.shape_of(results[i]),
                               translator_.type_of(call.node, results[i]));
      translator_.name(results[i], value);
    }
  }

  /// What multiplies has two tensors of the dimensions that its name says.
  void check_operands(const Call& call) {
    const auto left = translator_.shape(translator_.operand(call, call.op.arguments[0])).size();
    const auto right = translator_.shape(translator_.operand(call, call.op.arguments[1])).size();
    const auto& name = call.op.name;
    bool fits = left > 0 && right > 0;
    if (name == "aten::linear") fits = left > 0 && right == 2;
    if (name == "aten::bmm") fits = left == 3 && right == 3;
    if (name.starts_with("aten::conv")) {
      constexpr std::size_t digit = std::string_view("aten::conv").size();
      const auto dimensions = static_cast<std::size_t>(name[digit] - '0') + 2;
      fits = left == dimensions && right == dimensions;
    }
    if (!fits)
      translator_.refuse(call.node,
                         "multiplies tensors of " + std::to_string(left) + " and " +
                             std::to_string(right) + " dimensions",
                         "Give the layer a batch, and weights of its own form");
  }

  /// A product with a matrix of parameters as a linear layer; false for any other.
  bool write_linear(const Call& call) {
    const auto right = call.tensor(call.op.arguments.at(1));
    const bool is_matrix = right && translator_.shape_of(*right).size() == 2;
    if (!is_matrix || !translator_.is_stored(*right)) return false;
    auto& graph = translator_.graph();
    const auto matrix = translator_.value(*right);
    const auto& shape = translator_.shape(matrix);
    const auto path = translator_.op_path(call.node);
    const auto weight = graph.add_node("aten::t", {matrix}, {shape[1], shape[0]}, path);
    const auto result = translator_.result(call.node);
    const auto left = translator_.operand(call, "self");
    translator_.name(
        result, graph.add_node("aten::linear", {left, weight}, translator_.shape_of(result), path));
    return true;
  }

  Translator translator_;
};

}  // namespace

Translation translate(const Program& program, const Symbols& symbols,
                      const std::filesystem::path& file) {
  Walk walk(program, symbols, file);
  for (const auto& node : program.nodes) walk.node(node);
  return std::move(walk).finish(file);
}

}  // namespace gainsweep::exported

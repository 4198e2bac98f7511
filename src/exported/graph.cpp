#include "exported/graph.hpp"

#include <map>
#include <set>

#include "base/text.hpp"
#include "exported/argument.hpp"
#include "exported/signature.hpp"

namespace gainsweep::exported {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// The names of tensors and of numbers in an argument.
struct Names {
  std::vector<std::string> tensors, numbers;
};

Names names_in(const Argument& argument) {
  Names names;
  std::visit(Overloaded{[&](const TensorName& tensor) { names.tensors.push_back(tensor.name); },
                        [&](const std::vector<TensorName>& tensors) {
                          for (const auto& tensor : tensors) names.tensors.push_back(tensor.name);
                        },
                        [&](const std::vector<std::optional<TensorName>>& tensors) {
                          for (const auto& tensor : tensors)
                            if (tensor) names.tensors.push_back(tensor->name);
                        },
                        [&](const NumberName& number) { names.numbers.push_back(number.name); },
                        [&](const std::vector<SymbolicInteger>& numbers) {
                          for (const auto& number : numbers)
                            if (const auto* name = std::get_if<NumberName>(&number))
                              names.numbers.push_back(name->name);
                        },
                        [](const auto&) {}},
             argument);
  return names;
}

/// Whether something can be what a node gives.
bool is_result(const Argument& argument) {
  return std::holds_alternative<None>(argument) || std::holds_alternative<TensorName>(argument) ||
         std::holds_alternative<std::vector<TensorName>>(argument) ||
         std::holds_alternative<std::vector<std::optional<TensorName>>>(argument) ||
         std::holds_alternative<NumberName>(argument);
}

/// Follows which names are defined while nodes are read in their order.
class Scope {
 public:
  explicit Scope(const std::map<std::string, TensorValue>& values) : values_(values) {}

  void define(const Argument& result, const Located& place) {
    const auto names = names_in(result);
    for (const auto& name : names.tensors) {
      if (!values_.contains(name))
        place.refuse("is the tensor " + quote(name) + ", of which tensor_values says nothing");
      add(tensors_, name, place);
    }
    for (const auto& name : names.numbers) add(numbers_, name, place);
  }

  void read(const Argument& argument, const Located& place) const {
    const auto names = names_in(argument);
    for (const auto& name : names.tensors) check(tensors_, name, place);
    for (const auto& name : names.numbers) check(numbers_, name, place);
  }

 private:
  void add(std::set<std::string>& names, const std::string& name, const Located& place) {
    if (tensors_.contains(name) || numbers_.contains(name))
      place.refuse("defines " + quote(name) + " a second time");
    names.insert(name);
  }

  static void check(const std::set<std::string>& names, const std::string& name,
                    const Located& place) {
    if (!names.contains(name))
      place.refuse("reads " + quote(name) +
                   ", which is no input and no result of an earlier node (nodes stand in the "
                   "order in which they run)");
  }

  const std::map<std::string, TensorValue>& values_;
  std::set<std::string> tensors_, numbers_;
};

/// `aten::conv2d.default` of `torch.ops.aten.conv2d.default`; others as they are.
std::string target_of(const std::string& text) {
  constexpr std::string_view operators = "torch.ops.";
  if (!text.starts_with(operators)) return text;
  const auto name = text.substr(operators.size());
  const auto dot = name.find('.');
  return dot == std::string::npos ? name : name.substr(0, dot) + "::" + name.substr(dot + 1);
}

/// The path in the last entry of "key,path,type;key,path,type".
std::string module_of(const Located& node) {
  if (!node.has("metadata") || !node.at("metadata").has("nn_module_stack")) return "";
  const auto stack = split(node.at("metadata").at("nn_module_stack").text(), ';');
  if (stack.empty()) return "";
  const auto fields = split(stack.back(), ',');
  constexpr const char* no_module = "_empty_nn_module_stack_from_metadata_hook";
  return fields.size() < 3 || fields[1] == no_module ? "" : fields[1];
}

Node read_node(const Located& place, Scope& scope) {
  Node node{place.has("name") ? place.at("name").text() : "",
            target_of(place.at("target").text()),
            {},
            {},
            module_of(place)};
  std::set<std::string> names;
  for (const auto& input : place.at("inputs").list()) {
    NamedArgument argument{input.at("name").text(), read_argument(input.at("arg"))};
    if (!names.insert(argument.name).second)
      input.refuse("gives the argument " + quote(argument.name) + " a second time");
    scope.read(argument.value, input);
    node.arguments.push_back(std::move(argument));
  }
  for (const auto& output : place.at("outputs").list()) {
    auto result = read_argument(output);
    if (!is_result(result)) output.refuse("is nothing that a node can give");
    scope.define(result, output);
    node.results.push_back(std::move(result));
  }
  return node;
}

TensorValue read_value(const Located& meta) {
  TensorValue value{read_type(meta.at("dtype")), {}};
  for (const auto& size : meta.at("sizes").list()) value.sizes.push_back(read_size(size));
  return value;
}

}  // namespace

void read_graph(const Located& graph_module, Program& program) {
  const auto graph = graph_module.at("graph");
  for (const auto& [name, meta] : graph.at("tensor_values").entries())
    program.values.emplace(name, read_value(meta));
  for (const auto& [name, size] : graph.at("sym_int_values").entries())
    program.integers.emplace(name, read_size(size));
  program.inputs = read_inputs(graph_module);
  Scope scope(program.values);
  for (const auto& input : program.inputs) scope.define(TensorName{input.name}, graph.at("inputs"));
  for (const auto& node : graph.at("nodes").list()) program.nodes.push_back(read_node(node, scope));
  program.outputs = read_outputs(graph_module);
  for (const auto& output : program.outputs) scope.read(output, graph.at("outputs"));
}

}  // namespace gainsweep::exported

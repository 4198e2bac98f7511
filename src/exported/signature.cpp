#include "exported/signature.hpp"

#include <map>

#include "base/text.hpp"
#include "exported/argument.hpp"

namespace gainsweep::exported {
namespace {

struct StoredKind {
  Input::Kind kind;
  const char* stored;  ///< the key of the name of its tensor
};
const std::map<std::string, StoredKind> stored_kinds{
    {"parameter", {Input::Kind::parameter, "parameter_name"}},
    {"buffer", {Input::Kind::buffer, "buffer_name"}},
    {"tensor_constant", {Input::Kind::constant, "tensor_constant_name"}}};

struct Refusal {
  const char* what;
  const char* advice;
};
constexpr const char* evaluate = "Call model.eval() before exporting, and export again";
constexpr const char* rewrite =
    "Write this part of the model with plain tensor operators and "
    "export it again";
const std::map<std::string, Refusal> refused{
    {"custom_obj", {"is a custom object, which is not read", rewrite}},
    {"token", {"orders effects of custom operators, which are not read", rewrite}},
    {"buffer_mutation", {"changes a buffer: the model was in training mode", evaluate}},
    {"parameter_mutation", {"changes a parameter: the model was in training mode", evaluate}},
    {"loss_output", {"is the loss of a training step", "Export the model without its loss"}},
    {"gradient_to_parameter", {"is a gradient of a training step", "Export the forward pass"}},
    {"gradient_to_user_input", {"is a gradient of a training step", "Export the forward pass"}},
    {"user_input_mutation",
     {"changes an input of the model in place", "Copy the input in `forward` and export again"}}};

[[noreturn]] void refuse_kind(const std::string& kind, const Located& spec) {
  const auto found = refused.find(kind);
  if (found == refused.end()) spec.refuse("is of the unknown kind " + quote(kind), export_again);
  spec.refuse(found->second.what, found->second.advice);
}

/// The name of a tensor that the graph takes at the place of `spec`.
std::string tensor_at(const Located& input, const Located& spec) {
  const auto argument = read_argument(input);
  const auto* tensor = std::get_if<TensorName>(&argument);
  if (tensor == nullptr)
    input.refuse("is no tensor", "Give `forward` numbers as constants, and export again");
  const auto named = spec.at("arg");
  const auto in_signature = named.has("as_tensor") ? named.at("as_tensor") : named;
  if (read_tensor_name(in_signature).name != tensor->name)
    spec.refuse("is not the graph's input " + quote(tensor->name) + " at this place");
  return tensor->name;
}

std::pair<std::vector<Located>, std::vector<Located>> pairs(const Located& graph_module,
                                                            const char* listed,
                                                            const char* specified) {
  auto values = graph_module.at("graph").at(listed).list();
  const auto specs = graph_module.at("signature").at(specified);
  auto kinds = specs.list();
  if (values.size() != kinds.size())
    specs.refuse("has " + std::to_string(kinds.size()) + " entries for the graph's " +
                 std::to_string(values.size()) + " " + listed);
  return {std::move(values), std::move(kinds)};
}

}  // namespace

std::vector<Input> read_inputs(const Located& graph_module) {
  const auto [values, specs] = pairs(graph_module, "inputs", "input_specs");
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto [kind, spec] = specs[i].only();
    const auto stored = stored_kinds.find(kind);
    if (stored != stored_kinds.end()) {
      inputs.push_back(
          {stored->second.kind, tensor_at(values[i], spec), spec.at(stored->second.stored).text()});
    } else if (kind == "user_input") {
      inputs.push_back({Input::Kind::user, tensor_at(values[i], spec), ""});
    } else if (kind != "constant_input") {
      refuse_kind(kind, spec);
    }
  }
  return inputs;
}

std::vector<Argument> read_outputs(const Located& graph_module) {
  const auto [values, specs] = pairs(graph_module, "outputs", "output_specs");
  std::vector<Argument> outputs;
  bool has_tensor = false;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto [kind, spec] = specs[i].only();
    if (kind != "user_output") refuse_kind(kind, spec);
    outputs.push_back(read_argument(values[i]));
    if (outputs.back() != read_argument(spec.at("arg")))
      spec.refuse("is not the graph's output at this place");
    has_tensor |= std::holds_alternative<TensorName>(outputs.back());
  }
  if (!has_tensor) graph_module.refuse("has no output that is a tensor", export_again);
  return outputs;
}

}  // namespace gainsweep::exported

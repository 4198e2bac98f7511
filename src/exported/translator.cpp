#include "exported/translator.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/text.hpp"
#include "exported/reads.hpp"
#include "exported/refusal.hpp"

namespace gainsweep::exported {
namespace {

constexpr const char* convert = "Convert the tensor in the model's `forward`, or in the model";

/// The element types of graphs that tensors of programs have; nothing for those that none has.
std::optional<graph::ElementType> to_graph(ElementType type) {
  switch (type) {
    case ElementType::fp64:
    case ElementType::fp32:
    case ElementType::fp16:
    case ElementType::bf16:
      return graph::ElementType::real;
    case ElementType::int64:
      return graph::ElementType::index;
    case ElementType::int32:
      return graph::ElementType::int32;
    case ElementType::boolean:
      return graph::ElementType::boolean;
    default:
      return std::nullopt;
  }
}

/// Masks hide with fp32's least number, which bf16 lacks.
double within_range(double number) {
  constexpr double largest = 0x1.FEp127;
  return std::isfinite(number) ? std::clamp(number, -largest, largest) : number;
}

/// By stored name, the first one that lies at the same place in the same form.
std::map<std::string, std::string> tied_names(const Program& program) {
  using Place = std::tuple<const std::byte*, std::int64_t, std::vector<std::int64_t>,
                           std::vector<std::int64_t>, ElementType>;
  std::map<Place, std::string> first;
  std::map<std::string, std::string> names;
  for (const auto& [name, tensor] : program.tensors) {
    const Place place{tensor.storage.data(), tensor.offset, tensor.sizes, tensor.strides,
                      tensor.type};
    names[name] = first.emplace(place, name).first->second;
  }
  return names;
}

}  // namespace

std::string name_of(graph::ElementType type) {
  switch (type) {
    case graph::ElementType::index:
      return "index";
    case graph::ElementType::int32:
      return "int32";
    case graph::ElementType::boolean:
      return "boolean";
    default:
      return "real";
  }
}

const Argument* Call::find(const std::string& name) const {
  const auto found = std::ranges::find(node.arguments, name, &NamedArgument::name);
  return found == node.arguments.end() ? nullptr : &found->value;
}

std::optional<std::string> Call::tensor(const std::string& name) const {
  const auto* given = find(name);
  const auto* tensor = given == nullptr ? nullptr : std::get_if<TensorName>(given);
  return tensor == nullptr ? std::nullopt : std::optional(tensor->name);
}

Translator::Translator(const Program& program, const Symbols& symbols, std::filesystem::path file)
    : program_(program),
      symbols_(symbols),
      file_(std::move(file)),
      stored_as_(tied_names(program)) {
  graph_.name = "exported";
  for (const auto& input : program.inputs) inputs_[input.name] = &input;
  for (const auto& node : program.nodes) {
    for (const auto& tensor : tensors_read(node)) {
      ++reads_[tensor];
      last_reader_[tensor] = &node;
    }
  }
  for (const auto& output : program.outputs)
    for (const auto& tensor : tensors_in(output)) {
      ++reads_[tensor];
      last_reader_[tensor] = nullptr;
    }
}

void Translator::refuse(const Node& node, const std::string& what,
                        const std::string& advice) const {
  exported::refuse(file_, described(node) + " " + what, advice);
}

graph::ValueId Translator::value(const std::string& tensor) {
  const auto known = values_.find(tensor);
  if (known != values_.end()) return known->second;
  const auto found = inputs_.find(tensor);
  if (found == inputs_.end())
    exported::refuse(file_, "tensor " + quote(tensor) + " is read, and what gives it only checks");
  const auto& input = *found->second;
  const auto type = to_graph(program_.values.at(tensor).type);
  if (!type)
    exported::refuse(file_, "input " + quote(tensor) + " has a type that no graph has", convert);
  const bool is_user = input.kind == Input::Kind::user;
  const auto added = is_user ? graph_.add_input(tensor, *type, shape_of(tensor))
                             : graph_.add_parameter(stored_as_.at(input.stored), shape_of(tensor));
  graph_.values[added.index].type = *type;
  return values_[tensor] = added;
}

graph::ValueId Translator::operand(const Call& call, const std::string& name) {
  const auto tensor = call.tensor(name);
  if (!tensor) refuse(call.node, "has no tensor as its argument " + quote(name), save_again);
  return value(*tensor);
}

std::string Translator::result(const Node& node) const {
  auto given = tensors_given(node);
  if (given.empty()) refuse(node, "gives no tensor", save_again);
  return std::move(given.front());
}

std::int64_t Translator::number(const Size& size) const {
  return size.expression.empty() ? size.value.value_or(0) : evaluate(size.expression, symbols_);
}

graph::Shape Translator::shape_of(const std::string& tensor) const {
  constexpr std::int64_t most_elements = std::int64_t{1} << 48;
  graph::Shape shape;
  std::int64_t elements = 1;
  for (const auto& size : program_.values.at(tensor).sizes) {
    shape.push_back(number(size));
    const auto extent = shape.back();
    if (extent < 0 || (extent > 0 && elements > most_elements / extent))
      exported::refuse(file_, "tensor " + quote(tensor) + " has sizes that no tensor has");
    elements *= std::max<std::int64_t>(extent, 1);
  }
  return shape;
}

graph::ElementType Translator::type_of(const Node& node, const std::string& tensor) const {
  const auto type = to_graph(program_.values.at(tensor).type);
  if (!type) refuse(node, "gives a tensor of a type that no graph has", convert);
  return *type;
}

graph::Argument Translator::argument(const Node& node, const Argument& given) {
  const auto number_of = [&](const NumberName& name) {
    const auto known = program_.integers.find(name.name);
    if (known == program_.integers.end())
      refuse(node, "reads the number " + quote(name.name) + ", which is no size",
             "Make it a constant of the model, and export again");
    return number(known->second);
  };
  const auto values = [&](const std::vector<std::string>& names) {
    std::vector<graph::ValueId> ids;
    for (const auto& name : names) ids.push_back(value(name));
    return ids;
  };
  if (std::holds_alternative<None>(given)) return std::monostate{};
  if (const auto* one = std::get_if<TensorName>(&given)) return value(one->name);
  if (std::holds_alternative<std::vector<TensorName>>(given)) return values(tensors_in(given));
  if (const auto* some = std::get_if<std::vector<std::optional<TensorName>>>(&given)) {
    if (std::ranges::any_of(*some, [](const auto& tensor) { return !tensor; }))
      refuse(node, "is given a list of tensors with gaps", "Write it with index_select");
    return values(tensors_in(given));
  }
  if (const auto* name = std::get_if<NumberName>(&given)) return number_of(*name);
  if (const auto* sizes = std::get_if<std::vector<SymbolicInteger>>(&given)) {
    std::vector<std::int64_t> list;
    for (const auto& size : *sizes) {
      const auto* fixed = std::get_if<std::int64_t>(&size);
      list.push_back(fixed != nullptr ? *fixed : number_of(std::get<NumberName>(size)));
    }
    return list;
  }
  if (const auto* flag = std::get_if<bool>(&given)) return *flag;
  if (const auto* integer = std::get_if<std::int64_t>(&given)) return *integer;
  if (const auto* real = std::get_if<double>(&given)) return within_range(*real);
  if (const auto* text = std::get_if<std::string>(&given)) return *text;
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&given)) return *list;
  if (const auto* type = std::get_if<ElementType>(&given)) {
    const auto known = to_graph(*type);
    if (!known) refuse(node, "asks for a type that no graph has", convert);
    return name_of(*known);
  }
  const bool is_of_place = std::holds_alternative<MemoryFormat>(given) ||
                           std::holds_alternative<Strided>(given) ||
                           std::holds_alternative<Device>(given);
  if (is_of_place) return graph::Default{};
  refuse(node, "is given a list of a kind that no supported operator takes",
         "Write this part of the model with other operators");
}

std::string Translator::op_path(const Node& node, const std::string& ending) {
  const auto path = (node.module.empty() ? node.name : node.module) + ending;
  const auto before = paths_[path]++;
  return before == 0 ? path : path + "_" + std::to_string(before);
}

bool Translator::is_stored(const std::string& tensor) const {
  const auto found = inputs_.find(tensor);
  return found != inputs_.end() && found->second->kind != Input::Kind::user;
}

std::size_t Translator::reads(const std::string& tensor) const {
  const auto found = reads_.find(tensor);
  return found == reads_.end() ? 0 : found->second;
}

const Node* Translator::only_reader(const std::string& tensor) const {
  return reads(tensor) == 1 ? last_reader_.at(tensor) : nullptr;
}

}  // namespace gainsweep::exported

// Binds a node's arguments to its operator's schema, once, when a program is made.

#include <c10/util/irange.h>

#include "base/error.hpp"
#include "execute/operators.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

/// What one argument of a node is bound against.
struct Place {
  const graph::Node& node;
  std::size_t node_index;
  const c10::FunctionSchema& schema;
  at::ScalarType real;
  at::Device device;
};

[[noreturn]] void misfit(const Place& place, const std::string& what) {
  throw Error(ErrorKind::internal, "node " + std::to_string(place.node_index) + " `" +
                                       place.node.op + "` (" + place.node.path + "): " + what +
                                       ". Schema: " + c10::toString(place.schema));
}

const char* kind_of(const graph::Argument& argument) {
  constexpr const char* names[] = {"none",    "a bool",           "an int",
                                   "a float", "a string",         "a list of ints",
                                   "a value", "a list of values", "a default"};
  return names[argument.index()];
}

[[noreturn]] void wrong_kind(const Place& place, const c10::Argument& formal,
                             const graph::Argument& argument) {
  misfit(place, "argument `" + formal.name() + "` is " + kind_of(argument) +
                    " (the operator takes " + formal.real_type()->str() + ")");
}

/// The type inside an optional, or the type itself.
c10::TypePtr without_optional(const c10::TypePtr& type) {
  const auto optional = type->cast<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

bool is_kind(const c10::TypePtr& type, c10::TypeKind kind) {
  return type->kind() == kind;
}

at::ScalarType scalar_type_named(const Place& place, const std::string& name) {
  using graph::ElementType;
  if (name == "real") return to_scalar_type(ElementType::real, place.real);
  if (name == "fp32") return at::kFloat;
  if (name == "index") return at::kLong;
  if (name == "int32") return at::kInt;
  if (name == "boolean") return at::kBool;
  if (name == "byte") return at::kByte;
  if (name == "fp8_e4m3") return at::kFloat8_e4m3fn;
  if (name == "fp8_e5m2") return at::kFloat8_e5m2;
  misfit(place, "no element type is called \"" + name +
                    "\" (real, fp32, index, int32, boolean, byte, fp8_e4m3 and fp8_e5m2 are)");
}

c10::IValue bind_int(const Place& place, const c10::Argument& formal, std::int64_t value,
                     const graph::Argument& argument) {
  switch (without_optional(formal.real_type())->kind()) {
    case c10::TypeKind::FloatType:
      return static_cast<double>(value);
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::MemoryFormatType:
    case c10::TypeKind::LayoutType:
      return value;
    default:
      wrong_kind(place, formal, argument);
  }
}

c10::IValue bind_string(const Place& place, const c10::Argument& formal, const std::string& value,
                        const graph::Argument& argument) {
  switch (without_optional(formal.real_type())->kind()) {
    case c10::TypeKind::StringType:
      return value;
    case c10::TypeKind::ScalarTypeType:
      return static_cast<std::int64_t>(scalar_type_named(place, value));
    default:
      wrong_kind(place, formal, argument);
  }
}

template <class T>
c10::IValue list_of(const std::vector<std::int64_t>& elements) {
  c10::List<T> list;
  list.reserve(elements.size());
  for (const auto element : elements) list.push_back(static_cast<T>(element));
  return list;
}

c10::IValue bind_ints(const Place& place, const c10::Argument& formal,
                      const std::vector<std::int64_t>& elements, const graph::Argument& argument) {
  const auto type = without_optional(formal.real_type());
  if (!is_kind(type, c10::TypeKind::ListType)) wrong_kind(place, formal, argument);
  const auto element = type->expectRef<c10::ListType>().getElementType();
  switch (without_optional(element)->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return list_of<std::int64_t>(elements);
    case c10::TypeKind::FloatType:
      return list_of<double>(elements);
    case c10::TypeKind::BoolType:
      return list_of<bool>(elements);
    case c10::TypeKind::NumberType: {
      c10::impl::GenericList list(element);
      for (const auto value : elements) list.push_back(value);
      return list;
    }
    default:
      wrong_kind(place, formal, argument);
  }
}

c10::IValue bind_literal(const Place& place, const c10::Argument& formal,
                         const graph::Argument& argument) {
  const auto type = formal.real_type();
  const auto inner = without_optional(type);
  if (std::holds_alternative<std::monostate>(argument)) {
    if (inner == type) wrong_kind(place, formal, argument);
    return {};
  }
  if (const auto* flag = std::get_if<bool>(&argument)) {
    if (!is_kind(inner, c10::TypeKind::BoolType)) wrong_kind(place, formal, argument);
    return *flag;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&argument)) {
    return bind_int(place, formal, *integer, argument);
  }
  if (const auto* number = std::get_if<double>(&argument)) {
    if (!is_kind(inner, c10::TypeKind::FloatType) && !is_kind(inner, c10::TypeKind::NumberType)) {
      wrong_kind(place, formal, argument);
    }
    return *number;
  }
  if (const auto* text = std::get_if<std::string>(&argument)) {
    return bind_string(place, formal, *text, argument);
  }
  return bind_ints(place, formal, std::get<std::vector<std::int64_t>>(argument), argument);
}

std::vector<std::size_t> indices(const std::vector<graph::ValueId>& values) {
  std::vector<std::size_t> result;
  result.reserve(values.size());
  for (const auto value : values) result.push_back(value.index);
  return result;
}

/// The slot of an argument that holds values, or nothing for a literal.
std::optional<Call::Slot> bind_slot(const Place& place, const c10::Argument& formal,
                                    std::size_t position, const graph::Argument& argument) {
  const auto inner = without_optional(formal.real_type());
  if (const auto* value = std::get_if<graph::ValueId>(&argument)) {
    const bool is_number = is_kind(inner, c10::TypeKind::FloatType);
    if (!is_number && !is_kind(inner, c10::TypeKind::TensorType))
      wrong_kind(place, formal, argument);
    return Call::Slot{.kind = is_number ? Call::Slot::Kind::number : Call::Slot::Kind::tensor,
                      .argument = position,
                      .values = {value->index}};
  }
  if (const auto* values = std::get_if<std::vector<graph::ValueId>>(&argument)) {
    if (!is_kind(inner, c10::TypeKind::ListType)) wrong_kind(place, formal, argument);
    const auto element = inner->expectRef<c10::ListType>().getElementType();
    if (!is_kind(without_optional(element), c10::TypeKind::TensorType)) {
      wrong_kind(place, formal, argument);
    }
    const bool optional = is_kind(element, c10::TypeKind::OptionalType);
    return Call::Slot{.kind = optional ? Call::Slot::Kind::optional_list : Call::Slot::Kind::list,
                      .argument = position,
                      .values = indices(*values)};
  }
  return std::nullopt;
}

c10::IValue default_of(const Place& place, const c10::Argument& formal) {
  if (is_kind(without_optional(formal.real_type()), c10::TypeKind::DeviceObjType)) {
    return place.device;
  }
  if (!formal.default_value()) {
    misfit(place, "argument `" + formal.name() + "` is missing (it has no default)");
  }
  return *formal.default_value();
}

void bind_arguments(const Place& place, Call& call) {
  const auto& formals = place.schema.arguments();
  const auto& actuals = place.node.arguments;
  if (actuals.size() > formals.size()) {
    misfit(place, std::to_string(actuals.size()) + " arguments (the operator takes " +
                      std::to_string(formals.size()) + ")");
  }
  for (const auto i : c10::irange(formals.size())) {
    if (i >= actuals.size() || std::holds_alternative<graph::Default>(actuals[i])) {
      call.arguments.push_back(default_of(place, formals[i]));
    } else if (auto slot = bind_slot(place, formals[i], i, actuals[i])) {
      call.slots.push_back(std::move(*slot));
      call.arguments.emplace_back();
    } else {
      call.arguments.push_back(bind_literal(place, formals[i], actuals[i]));
    }
  }
}

void bind_outputs(const Place& place, Call& call) {
  const auto& returns = place.schema.returns();
  call.outputs = indices(place.node.outputs);
  call.returns_list = returns.size() == 1 && is_kind(returns[0].type(), c10::TypeKind::ListType);
  if (call.returns_list) return;
  for (const auto& value : returns) {
    if (!is_kind(value.type(), c10::TypeKind::TensorType)) {
      misfit(place, "the operator returns " + value.type()->str() + " (only tensors are values)");
    }
  }
  if (call.outputs.size() != returns.size()) {
    misfit(place, std::to_string(call.outputs.size()) + " outputs (the operator returns " +
                      std::to_string(returns.size()) + ")");
  }
}

}  // namespace

Call make_call(const graph::Graph& graph, std::size_t node, at::ScalarType real,
               at::Device device) {
  Call call(find_operator(graph.nodes[node].op));
  call.node = node;
  const Place place{graph.nodes[node], node, call.op.schema(), real, device};
  bind_arguments(place, call);
  bind_outputs(place, call);
  return call;
}

}  // namespace gainsweep::execute

#include "exported/argument.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "base/text.hpp"

namespace gainsweep::exported {
namespace {

struct TypeRow {
  std::int64_t number;
  const char* name;  ///< PyTorch's
  ElementType type;
};
// torch/_export/serde/schema.py, ScalarType; others are named where they are refused.
constexpr TypeRow types[] = {
    {1, "uint8", ElementType::uint8},          {2, "int8", ElementType::int8},
    {3, "int16", ElementType::int16},          {4, "int32", ElementType::int32},
    {5, "int64", ElementType::int64},          {6, "float16", ElementType::fp16},
    {7, "float32", ElementType::fp32},         {8, "float64", ElementType::fp64},
    {9, "complex32", ElementType::other},      {10, "complex64", ElementType::other},
    {11, "complex128", ElementType::other},    {12, "bool", ElementType::boolean},
    {13, "bfloat16", ElementType::bf16},       {28, "uint16", ElementType::other},
    {29, "float8_e4m3fn", ElementType::other}, {30, "float8_e5m2", ElementType::other}};

constexpr std::int64_t strided = 7;

template <class Read>
auto read_list(const Located& list, Read read) {
  std::vector<decltype(read(list))> items;
  for (const auto& item : list.list()) items.push_back(read(item));
  return items;
}

Argument read_none(const Located& value) {
  if (!value.boolean()) value.refuse("is false, and only true stands for nothing");
  return None{};
}

std::optional<TensorName> read_optional(const Located& value) {
  const auto [kind, inner] = value.only();
  if (kind == "as_tensor") return read_tensor_name(inner);
  if (kind != "as_none") inner.refuse("is neither a tensor nor none");
  read_none(inner);
  return std::nullopt;
}

SymbolicInteger read_symbolic(const Located& value) {
  const auto [kind, inner] = value.only();
  if (kind == "as_int") return inner.integer();
  if (kind != "as_name") inner.refuse("is neither an integer nor a name");
  return NumberName{inner.text()};
}

Argument read_number_name(const Located& value, const char* number) {
  const auto [kind, inner] = value.only();
  if (kind == "as_name") return NumberName{inner.text()};
  if (kind != number) inner.refuse("is neither a number nor a name");
  if (kind == "as_int") return inner.integer();
  if (kind == "as_bool") return inner.boolean();
  return inner.real();
}

Argument read_memory_format(const Located& value) {
  const auto number = value.integer();
  if (number < 1 || number > 4)
    value.refuse("is " + std::to_string(number) + ", which is no memory format that is known");
  return static_cast<MemoryFormat>(number);
}

Argument read_layout(const Located& value) {
  if (value.integer() != strided)
    value.refuse("is not strided (sparse and other layouts are not read)", export_again);
  return Strided{};
}

using Read = Argument (*)(const Located&);
const std::map<std::string, Read> readers{
    {"as_none", read_none},
    {"as_tensor", [](const Located& v) -> Argument { return read_tensor_name(v); }},
    {"as_tensors", [](const Located& v) -> Argument { return read_list(v, read_tensor_name); }},
    {"as_optional_tensor",
     [](const Located& v) -> Argument {
       const auto name = read_optional(v);
       return name ? Argument(*name) : Argument(None{});
     }},
    {"as_optional_tensors",
     [](const Located& v) -> Argument { return read_list(v, read_optional); }},
    {"as_bool", [](const Located& v) -> Argument { return v.boolean(); }},
    {"as_int", [](const Located& v) -> Argument { return v.integer(); }},
    {"as_float", [](const Located& v) -> Argument { return v.real(); }},
    {"as_string", [](const Located& v) -> Argument { return v.text(); }},
    {"as_bools",
     [](const Located& v) -> Argument {
       return read_list(v, [](const Located& item) { return item.boolean(); });
     }},
    {"as_ints",
     [](const Located& v) -> Argument {
       return read_list(v, [](const Located& item) { return item.integer(); });
     }},
    {"as_floats",
     [](const Located& v) -> Argument {
       return read_list(v, [](const Located& item) { return item.real(); });
     }},
    {"as_strings",
     [](const Located& v) -> Argument {
       return read_list(v, [](const Located& item) { return item.text(); });
     }},
    {"as_sym_int", [](const Located& v) { return read_number_name(v, "as_int"); }},
    {"as_sym_float", [](const Located& v) { return read_number_name(v, "as_float"); }},
    {"as_sym_bool", [](const Located& v) { return read_number_name(v, "as_bool"); }},
    {"as_sym_ints", [](const Located& v) -> Argument { return read_list(v, read_symbolic); }},
    {"as_scalar_type", [](const Located& v) -> Argument { return read_type(v); }},
    {"as_memory_format", read_memory_format},
    {"as_layout", read_layout},
    {"as_device", [](const Located& v) -> Argument { return Device{v.at("type").text()}; }}};

/// What is in the schema and cannot be read.
const std::map<std::string, const char*> refused{
    {"as_graph", "a graph of its own (torch.cond, map, while_loop)"},
    {"as_custom_obj", "a custom object"},
    {"as_operator", "an operator as a value"},
    {"as_complex", "a complex number"},
    {"as_nested_tensors", "a list of lists"},
    {"as_int_lists", "a list of lists"},
    {"as_float_lists", "a list of lists"},
    {"as_sym_floats", "a list of computed numbers"},
    {"as_sym_bools", "a list of computed truth values"},
    {"as_string_to_argument", "a dictionary"}};

}  // namespace

ElementType read_type(const Located& number) {
  const auto value = number.integer();
  const auto* row = std::find_if(std::begin(types), std::end(types),
                                 [&](const TypeRow& known) { return known.number == value; });
  if (row == std::end(types) || row->type == ElementType::other)
    number.refuse("is the element type " + std::to_string(value) +
                      (row == std::end(types) ? "" : std::string(" (") + row->name + ")") +
                      ", which is not read",
                  "Keep to float32, float64, float16, bfloat16, integers and bool");
  return row->type;
}

TensorName read_tensor_name(const Located& tensor) {
  return {tensor.at("name").text()};
}

Argument read_argument(const Located& argument) {
  const auto [kind, value] = argument.only();
  const auto found = readers.find(kind);
  if (found != readers.end()) return found->second(value);
  const auto known = refused.find(kind);
  if (known == refused.end())
    argument.refuse(
        "is of the unknown kind " + quote(kind),
        "Export the model with a version of PyTorch that docs/exported_models.md names");
  value.refuse(std::string("is ") + known->second + ", which is not read",
               "Write this part of the model with plain tensor operators and export it again");
}

Size read_size(const Located& size) {
  const auto [kind, value] = size.only();
  if (kind == "as_int") return {value.integer(), ""};
  if (kind != "as_expr") value.refuse("is neither an integer nor an expression");
  Size found{std::nullopt, value.at("expr_str").text()};
  if (found.expression.empty()) value.refuse("is an empty expression");
  if (value.has("hint")) found.value = value.at("hint").at("as_int").integer();
  return found;
}

std::int64_t read_fixed_size(const Located& size) {
  const auto found = read_size(size);
  if (!found.expression.empty()) size.refuse("is an expression, and has to be a number here");
  if (*found.value < 0) size.refuse("is negative");
  return *found.value;
}

}  // namespace gainsweep::exported

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "disk/mapped_file.hpp"
#include "model/checkpoint.hpp"

/// Programs that PyTorch exported: the `.pt2` file of torch.export.save, read without PyTorch
/// (docs/exported_models.md).
namespace gainsweep::exported {

using model::ElementType;

struct None {
  bool operator==(const None&) const = default;
};

/// A tensor of the graph by its name there.
struct TensorName {
  std::string name;
  bool operator==(const TensorName&) const = default;
};

/// A number that a node computes, such as a size, by its name.
struct NumberName {
  std::string name;
  bool operator==(const NumberName&) const = default;
};

using SymbolicInteger = std::variant<std::int64_t, NumberName>;

enum class MemoryFormat { contiguous = 1, channels_last = 2, channels_last_3d = 3, preserve = 4 };

/// The only layout that is read.
struct Strided {
  bool operator==(const Strided&) const = default;
};

/// Where the program was exported, such as `cpu` or `cuda`.
struct Device {
  std::string type;
  bool operator==(const Device&) const = default;
};

/// What a node is given, or what it gives. Results are None, names, or lists of tensors' names.
using Argument =
    std::variant<None, TensorName, std::vector<TensorName>, std::vector<std::optional<TensorName>>,
                 NumberName, std::vector<SymbolicInteger>, bool, std::int64_t, double, std::string,
                 std::vector<bool>, std::vector<std::int64_t>, std::vector<double>,
                 std::vector<std::string>, ElementType, MemoryFormat, Strided, Device>;

struct NamedArgument {
  std::string name;  ///< in the operator's schema; arguments at their defaults may be absent
  Argument value;
};

/// A call, in the order of execution.
struct Node {
  std::string name;
  std::string target;  ///< `aten::conv2d.default`; of arithmetic on sizes `_operator.mul`
  std::vector<NamedArgument> arguments;
  std::vector<Argument> results;  ///< several of a tuple; unused ones have names as well
  std::string module;  ///< path of the module that makes the call; empty where none is known
};

/// An extent: a number, or an expression of symbols with what it was in the example inputs.
struct Size {
  std::optional<std::int64_t> value;
  std::string expression;  ///< in the words of sympy; empty of a number
};

/// What is known of a tensor of the graph before it runs.
struct TensorValue {
  ElementType type = ElementType::fp32;
  std::vector<Size> sizes;
};

/// A tensor that the graph takes.
struct Input {
  enum class Kind { parameter, buffer, constant, user };
  Kind kind = Kind::user;
  std::string name;    ///< in the graph: `p_conv1_weight`
  std::string stored;  ///< in `Program::tensors`: `conv1.weight`; empty of user inputs
};

/// A tensor in its storage, where it lies in the mapped file. Its last element lies inside; it has
/// no more elements than the storage; data are aligned to the element type. Storages are shared by
/// tied tensors.
struct StoredTensor {
  ElementType type = ElementType::fp32;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;  ///< in elements, none negative
  std::int64_t offset = 0;            ///< of the first element in the storage, in elements
  std::span<const std::byte> storage;
};

/// Bounds of a symbol; absent ones are open.
struct Range {
  std::optional<std::int64_t> least, most;
};

/// A program. Every name that a node or output reads is a graph input or the result of an earlier
/// node; every tensor has an entry in `values`; every stored input one in `tensors`, with the type
/// and sizes that the graph says.
struct Program {
  std::string torch_version;
  bool is_functional = false;  ///< after run_decompositions({}): no operator works in place
  std::vector<Input> inputs;   ///< without those that exporting made constants
  std::vector<Node> nodes;
  std::vector<Argument> outputs;
  std::map<std::string, TensorValue> values;
  std::map<std::string, Size> integers;         ///< by their names: sizes that nodes compute
  std::map<std::string, Range> ranges;          ///< by symbol
  std::map<std::string, StoredTensor> tensors;  ///< by the names of the model's state
};

/// The program in the bytes of a file, `file` being what messages name. Spans point into `bytes`,
/// which have to be aligned as a mapping is. Error(input) with file, place, reason and advice for
/// everything that is no such file, or one that is not read: another schema, a model in training
/// mode, default decompositions, pickled or custom objects. Nothing is unpickled.
Program parse(std::span<const std::byte> bytes, const std::filesystem::path& file);

/// A program with its mapped file. Move-only; spans live as long as it does.
struct ProgramFile {
  disk::MappedFile file;
  Program program;
};

/// Maps and parses a file. Errors as parse and MappedFile.
ProgramFile open(const std::filesystem::path& path);

}  // namespace gainsweep::exported

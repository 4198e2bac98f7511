#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "exported/expression.hpp"
#include "exported/operators.hpp"
#include "exported/program.hpp"
#include "graph/graph.hpp"

namespace gainsweep::exported {

/// A node with what its operator is called with, by the names of the schema.
struct Call {
  const Node& node;
  const Operator& op;

  /// Null for an argument that is left to its default.
  const Argument* find(const std::string& name) const;
  /// The tensor that an argument is; nothing where it is none, left out or something else.
  std::optional<std::string> tensor(const std::string& name) const;
  /// A value of a kind that an argument has; `otherwise` where it is left out or of another kind.
  template <class T>
  T value_or(const std::string& name, T otherwise) const {
    const auto* given = find(name);
    const auto* value = given == nullptr ? nullptr : std::get_if<T>(given);
    return value == nullptr ? otherwise : *value;
  }
};

/// The name of an element type in calls.
std::string name_of(graph::ElementType type);

/// The graph that grows while a program is walked.
class Translator {
 public:
  Translator(const Program& program, const Symbols& symbols, std::filesystem::path file);

  graph::Graph& graph() { return graph_; }
  const Program& program() const { return program_; }

  [[noreturn]] void refuse(const Node& node, const std::string& what,
                           const std::string& advice) const;

  /// The value of a tensor by its name. Inputs are added when they are asked for first.
  graph::ValueId value(const std::string& tensor);
  const graph::Shape& shape(graph::ValueId id) const { return graph_.value(id).shape; }
  bool has(const std::string& tensor) const { return values_.contains(tensor); }
  /// A tensor of the program is a value that is there already.
  void name(const std::string& tensor, graph::ValueId value) { values_[tensor] = value; }

  /// The value of an argument that has to be a tensor. Error(input) where it is none.
  graph::ValueId operand(const Call& call, const std::string& name);
  /// The first tensor that a node gives. Error(input) where it gives none.
  std::string result(const Node& node) const;

  /// Error(input) for sizes that no tensor has.
  graph::Shape shape_of(const std::string& tensor) const;
  graph::ElementType type_of(const Node& node, const std::string& tensor) const;

  /// What an argument of a call is in a graph. Error(input) for kinds that no supported operator
  /// takes.
  graph::Argument argument(const Node& node, const Argument& given);

  /// A path of its own for an op of a node.
  std::string op_path(const Node& node, const std::string& ending = "");

  /// Whether a tensor is a parameter, buffer or constant.
  bool is_stored(const std::string& tensor) const;
  /// How many nodes and outputs read a tensor.
  std::size_t reads(const std::string& tensor) const;
  /// The only node that reads a tensor; null where there are several, or an output.
  const Node* only_reader(const std::string& tensor) const;

 private:
  std::int64_t number(const Size& size) const;

  const Program& program_;
  const Symbols& symbols_;
  std::filesystem::path file_;
  graph::Graph graph_;
  std::map<std::string, graph::ValueId> values_;
  std::map<std::string, const Input*> inputs_;
  std::map<std::string, std::size_t> reads_;
  std::map<std::string, const Node*> last_reader_;
  std::map<std::string, std::size_t> paths_;
  std::map<std::string, std::string> stored_as_;  ///< by stored name, that of the first tied one
};

}  // namespace gainsweep::exported

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/words.hpp"

/// The intermediate representation: operator calls in topological order. No tensors, no LibTorch.
namespace gainsweep::graph {

using ValueId = Id<struct ValueTag>;
using NodeId = Id<struct NodeTag>;
using Shape = std::vector<std::int64_t>;

/// Number of elements of a shape; 1 for a scalar.
std::int64_t num_elements(const Shape& shape);

enum class ValueKind {
  input,         ///< given at each run: tokens, labels, a captured activation
  parameter,     ///< a tensor of the model; model::Model says where its checkpoint has it
  constant,      ///< numbers held by the graph itself
  intermediate,  ///< a node's output
};

enum class ElementType {
  real,      ///< the floating type that the program runs in
  fp32,      ///< always 32-bit floating: scales
  index,     ///< 64-bit integers: tokens, labels
  int32,     ///< sums of products of integer codes
  boolean,   ///< masks
  byte,      ///< 8-bit integer codes of a quantised tensor
  fp8_e4m3,  ///< 8-bit floating codes
  fp8_e5m2,
  opaque,  ///< a backend's prepacked weight
};

struct Value {
  std::string name{};
  ValueKind kind = ValueKind::intermediate;
  ElementType type = ElementType::real;
  Shape shape{};
  std::optional<NodeId> producer{};  ///< of an intermediate
  std::vector<double> elements{};    ///< of a constant, row-major
};

/// An argument that is what the operator's schema has by default.
struct Default {
  auto operator<=>(const Default&) const = default;
};

/// One argument of an operator call, in the order of the operator's schema.
using Argument = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                              std::vector<std::int64_t>, ValueId, std::vector<ValueId>, Default>;

/// One call of a dispatcher operator, such as `aten::linear` or `aten::add.Tensor`.
struct Node {
  std::string op{};                   ///< qualified name, with ".overload" where there is one
  std::vector<Argument> arguments{};  ///< trailing arguments may be left to the schema's defaults
  std::vector<ValueId> outputs{};
  std::string path{};  ///< where it stands in the model, such as `layers.3.attention.q`
  /// Part of its rows that a runtime computes: of an expert those of the tokens that choose it.
  double needed = 1;
};

/// A program: nodes in topological order over values.
struct Graph {
  std::string name{};
  std::vector<Value> values{};
  std::vector<Node> nodes{};
  std::vector<ValueId> inputs{};
  std::vector<ValueId> outputs{};
  std::unordered_map<std::string, ValueId> parameters{};  ///< those that add_parameter made

  const Value& value(ValueId id) const { return values[id.index]; }
  const Node& node(NodeId id) const { return nodes[id.index]; }

  ValueId add_input(std::string name, ElementType type, Shape shape);
  /// The value of a checkpoint tensor; the same value when the name was added before.
  ValueId add_parameter(const std::string& name, Shape shape);
  ValueId add_constant(std::string name, Shape shape, std::vector<double> elements,
                       ElementType type = ElementType::real);
  /// Appends a call with one output of the given shape and returns that output.
  ValueId add_node(std::string op, std::vector<Argument> arguments, Shape shape, std::string path,
                   ElementType type = ElementType::real);
  /// A further output of the node appended last.
  ValueId add_output(Shape shape, ElementType type = ElementType::real);
};

/// Values that a node reads, in argument order, those in lists included.
std::vector<ValueId> values_read(const Node& node);

/// Throws Error(internal) unless nodes are in topological order, every value read is defined,
/// producers agree with outputs and graph outputs exist.
void validate(const Graph& graph);

enum class OpKind {
  linear,
  matmul,
  convolution,
  depthwise_convolution,  ///< of one input channel an output channel, of several
};

constexpr auto words(OpKind) {
  return std::to_array<Word<OpKind>>({{OpKind::linear, "linear"},
                                      {OpKind::matmul, "matmul"},
                                      {OpKind::convolution, "convolution"},
                                      {OpKind::depthwise_convolution, "depthwise_convolution"}});
}

enum class OperandRole { activation, weight };

struct Operand {
  ValueId value{};
  OperandRole role = OperandRole::activation;
  std::size_t argument = 0;  ///< index into Node::arguments
  std::string name{};        ///< among the op's operands, see quantizable_ops
};

/// A quantizable operation: a linear layer, an attention matmul, a convolution.
struct Op {
  NodeId node{};
  OpKind kind = OpKind::linear;
  std::string path{};
  std::vector<Operand> operands{};
  std::int64_t run_macs = 0;         ///< multiply-accumulates of one run of the graph
  std::int64_t macs = 0;             ///< those of them that a runtime computes (Node::needed)
  std::int64_t weight_elements = 0;  ///< 0 when no operand is a weight
  std::int64_t weight_channels = 0;  ///< output channels of the weight (its first dimension)
  std::int64_t weight_line = 0;      ///< elements of the weight along the dimension that is summed
  /// Whether the weight, or a parameter of at least its size that it is computed from, is also read
  /// by something that is not quantizable (an embedding).
  bool weight_shared = false;
};

/// The quantizable operations in IR order, indexed by OpId: `aten::linear`, `aten::conv1d/2d/3d`
/// (`aten::convolution` where it is not transposed), and `aten::matmul`/`aten::bmm` whose two
/// operands both depend on an input of the graph (a rotation by constants is none; a front end
/// writes a product with a parameter as `aten::linear`). The second operand of a linear layer or
/// convolution is a weight when it does not depend on an input: a parameter, a folded norm, rows of
/// a fused tensor. A convolution of several groups of one channel each is depthwise. MACs follow
/// from the shapes, broadcasting and groups included. Operands are named `input` and `weight` in
/// linear layers and convolutions, `query` and `key` in a product that a softmax follows, `weights`
/// and `value` in one whose first operand comes from a softmax (no other op in between), `left` and
/// `right` in others. Error(internal) where the first two arguments of such a call are no tensors.
std::vector<Op> quantizable_ops(const Graph& graph);

}  // namespace gainsweep::graph

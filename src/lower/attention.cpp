#include "lower/attention.hpp"

#include <algorithm>
#include <optional>

#include "graph/ops.hpp"
#include "graph/reads.hpp"

namespace gainsweep::lower {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr std::size_t dimensions = 4;

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<graph::Op>& ops)
      : graph_(graph),
        ops_(ops),
        op_at_(graph::op_of_node(graph, ops)),
        reads_(graph::count_reads(graph)),
        depends_(graph::depends_on_inputs(graph)) {}

  /// The attention that ends in an op.
  std::optional<Attention> ending_in(std::size_t av) {
    const auto& op = ops_[av];
    if (!is_product(op)) return {};
    Attention found{.av = av};
    found.value = op.operands[1].value;
    auto node = before(op.operands[0].value, found);
    if (node && node->op == "aten::reshape") node = before(value_of(*node, 0), found);
    const auto columns = shape(op.operands[0].value).back();
    if (!node || node->op != "aten::softmax.int" || !is_over(*node, columns)) return {};
    node = before(value_of(*node, 0), found);
    if (!node || node->op != "aten::add.Tensor" || node->arguments.size() != 2) return {};
    const auto* mask = std::get_if<ValueId>(&node->arguments[1]);
    if (mask == nullptr) return {};
    found.mask = *mask;
    found.mask_is_fixed = !depends_[mask->index];
    node = before(value_of(*node, 0), found);
    if (node && node->op == "aten::reshape") node = before(value_of(*node, 0), found);
    if (node && node->op == "aten::mul.Scalar") node = before_cap(*node, found);
    if (!node) return {};
    found.qk = op_at_[found.nodes.back().index];
    if (found.qk == graph::no_op || !is_product(ops_[found.qk])) return {};
    found.query = ops_[found.qk].operands[0].value;
    found.key = ops_[found.qk].operands[1].value;
    if (!fits(found)) return {};
    return found;
  }

 private:
  bool is_product(const graph::Op& op) const {
    return op.kind == graph::OpKind::matmul &&
           std::all_of(op.operands.begin(), op.operands.end(), [&](const auto& operand) {
             return graph_.value(operand.value).shape.size() == dimensions;
           });
  }

  static ValueId value_of(const Node& node, std::size_t argument) {
    return std::get<ValueId>(node.arguments[argument]);
  }

  /// The node that makes a value which nothing else reads, now one of the attention's.
  const Node* before(ValueId value, Attention& found) const {
    const auto& producer = graph_.value(value).producer;
    if (!producer || reads_[value.index] != 1) return nullptr;
    found.nodes.push_back(*producer);
    return &graph_.node(*producer);
  }

  /// The node before c·tanh(…), which ends in a given one; null where that is something else.
  const Node* before_cap(const Node& product, Attention& found) const {
    if (const auto* cap = std::get_if<double>(&product.arguments[1])) found.cap = *cap;
    const auto* bounded = before(value_of(product, 0), found);
    if (!found.cap || bounded == nullptr || bounded->op != "aten::tanh") return nullptr;
    return before(value_of(*bounded, 0), found);
  }

  /// Whether a softmax is over the last dimension, of a length.
  bool is_over(const Node& softmax, std::int64_t columns) const {
    const auto* dimension = std::get_if<std::int64_t>(&softmax.arguments[1]);
    const auto& own = shape(value_of(softmax, 0));
    return softmax.arguments.size() == 2 && dimension != nullptr && own.back() == columns &&
           (*dimension == -1 || *dimension + 1 == static_cast<std::int64_t>(own.size()));
  }

  const graph::Shape& shape(ValueId value) const { return graph_.value(value).shape; }

  /// Rows are tokens, head after head, and a row of the mask is one of a token.
  bool fits(const Attention& found) const {
    const auto& mask = shape(found.mask);
    const auto& weights = shape(ops_[found.av].operands[0].value);
    return mask.size() == 2 && weights[3] == mask[1] && weights[2] % mask[0] == 0 &&
           shape(found.query)[2] == weights[2] && shape(found.key)[3] == weights[3] &&
           shape(found.query)[0] == weights[0] && shape(found.query)[1] == weights[1];
  }

  const Graph& graph_;
  const std::vector<graph::Op>& ops_;
  std::vector<std::size_t> op_at_;
  std::vector<std::size_t> reads_;  ///< by value
  std::vector<bool> depends_;       ///< by value: on an input
};

}  // namespace

std::vector<Attention> attentions(const Graph& graph, const std::vector<graph::Op>& ops) {
  Finder finder(graph, ops);
  std::vector<Attention> found;
  for (std::size_t op = 0; op < ops.size(); ++op)
    if (auto attention = finder.ending_in(op)) found.push_back(std::move(*attention));
  return found;
}

std::vector<Attention> high_attentions(const Graph& graph, const std::vector<graph::Op>& ops,
                                       const graph::Assignment& assignment) {
  auto found = attentions(graph, ops);
  std::erase_if(found, [&](const Attention& one) {
    return assignment[one.qk] != high_format || assignment[one.av] != high_format;
  });
  return found;
}

AttentionWriter::AttentionWriter(const Graph& graph, const std::vector<graph::Op>& ops,
                                 const std::vector<Attention>& attentions, Form form)
    : graph_(graph), ops_(ops), form_(form), of_node_(graph.nodes.size()) {
  for (const auto& one : attentions) {
    for (const auto node : one.nodes) of_node_[node.index] = &one;
    of_node_[ops[one.av].node.index] = &one;
  }
}

bool AttentionWriter::write(Rewrite& rewrite, std::size_t node) const {
  const auto* one = of_node_[node];
  if (one == nullptr) return false;
  if (ops_[one->av].node.index != node) {
    rewrite.leave_out();
    return true;
  }
  std::vector<graph::Argument> arguments{one->query, one->key, one->value, one->mask};
  const bool is_probed = form_ == Form::probed;
  if (is_probed) {
    arguments.emplace_back(static_cast<std::int64_t>(one->qk));
    arguments.emplace_back(static_cast<std::int64_t>(one->av));
  }
  if (one->cap) arguments.emplace_back(*one->cap);
  rewrite.replace(graph_.nodes[node],
                  is_probed ? "gainsweep::probed_attention" : "gainsweep::attention",
                  std::move(arguments));
  return true;
}

}  // namespace gainsweep::lower

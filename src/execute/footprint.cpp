#include "execute/footprint.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "execute/products.hpp"

namespace gainsweep::execute {
namespace {

using graph::ElementType;
using graph::Graph;
using graph::Node;
using graph::ValueId;

/// Outputs that are views of the first argument.
constexpr std::array<std::string_view, 11> views{
    "aten::view",      "aten::reshape", "aten::transpose.int", "aten::permute",
    "aten::t",         "aten::expand",  "aten::slice.Tensor",  "aten::select.int",
    "aten::unsqueeze", "aten::squeeze", "aten::squeeze.dim"};

/// What autograd keeps of a call until its backward.
struct Saving {
  std::string_view op;
  std::array<bool, 3> arguments;
  bool output = false;
  bool widens = false;  ///< an fp32 copy of the first argument where that is narrower
};

/// Operators that are not listed count with all that they read and make.
constexpr std::array<Saving, 21> savings{{{"gainsweep::probed_linear", {true}},
                                          {"gainsweep::probed_attention", {true, true, true}},
                                          {"gainsweep::probed_matmul", {true, true}},
                                          {"gainsweep::probed_convolution", {true}},
                                          {"gainsweep::mean_cross_entropy", {true}},
                                          {"gainsweep::observe", {}},
                                          {"aten::linear", {}},
                                          {"aten::matmul", {true, true}},
                                          {"aten::embedding", {}},
                                          {"aten::add.Tensor", {}},
                                          {"aten::sub.Tensor", {}},
                                          {"aten::neg", {}},
                                          {"aten::cat", {}},
                                          {"aten::mul.Tensor", {true, true}},
                                          {"aten::silu", {true}},
                                          {"aten::gelu", {true}},
                                          {"aten::softmax.int", {}, true},
                                          {"aten::tanh", {}, true},
                                          {"aten::sigmoid", {}, true},
                                          {"aten::rms_norm", {true}, false, true},
                                          {"aten::layer_norm", {true}, false, true}}};

std::int64_t bytes_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return 2;
    case Precision::fp32:
      return 4;
    case Precision::fp64:
      break;
  }
  return 8;
}

/// One piece, node by node.
class Account {
 public:
  Account(const Graph& graph, const graph::Segment& piece, Precision precision)
      : graph_(graph),
        piece_(piece),
        real_(bytes_of(precision)),
        wide_(std::max<std::int64_t>(real_, 4)),
        widens_(real_ == 2 && !has_bf16_kernels()),
        roots_(graph.values.size()) {
    for (std::size_t v = 0; v < roots_.size(); ++v) roots_[v] = v;
    is_strided_.resize(roots_.size());
    is_own_.resize(roots_.size());
    if (piece.enters) depends_.insert(piece.enters->index);
    for (const auto input : piece.inputs) depends_.insert(input.index);
    for (const auto id : piece.nodes) trace(graph.node(id));
    last_reads();
  }

  Footprint take() {
    Footprint found;
    if (piece_.leaves) found.leaves = bytes_of_root(root(*piece_.leaves));
    std::set<std::size_t> alive;
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      const Node& node = *nodes_[n];
      for (const auto output : node.outputs) add(alive, output);
      found.forward = std::max(found.forward, total(alive) + work(node));
      keep(node);
      found.scored = std::max(found.scored, kept_ + total_unsaved(alive) + work(node));
      auto gradients = alive;
      for (const auto read : values_read(node)) add(gradients, read, true);
      found.scored = std::max(found.scored, kept_ + total(gradients) + backward_work(node));
      std::erase_if(alive, [&](std::size_t r) { return last_read_[r] <= n; });
    }
    return found;
  }

 private:
  std::size_t root(ValueId value) const { return roots_[value.index]; }

  /// Follows a call that depends on an input: what it makes and what that is a view of.
  void trace(const Node& node) {
    const auto reads = values_read(node);
    const bool runs = std::any_of(reads.begin(), reads.end(),
                                  [&](ValueId v) { return depends_.contains(v.index); });
    if (!runs) return;
    nodes_.push_back(&node);
    for (const auto output : node.outputs) {
      depends_.insert(output.index);
      is_own_[output.index] = true;
    }
    if (std::find(views.begin(), views.end(), node.op) == views.end()) return;
    const auto from = reads.front();
    const auto made = node.outputs.front();
    // A new shape of numbers that do not lie in its order is a copy.
    const bool is_shape = node.op == "aten::reshape" || node.op == "aten::view";
    if (is_shape && is_strided_[from.index]) return;
    is_strided_[made.index] = is_strided_[from.index] || !is_shape;
    roots_[made.index] = root(from);
  }

  void last_reads() {
    last_read_.resize(roots_.size());
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      for (const auto value : nodes_[n]->outputs) last_read_[root(value)] = n;
      for (const auto value : values_read(*nodes_[n])) last_read_[root(value)] = n;
    }
    if (piece_.leaves) last_read_[root(*piece_.leaves)] = nodes_.size();
    for (const auto output : piece_.outputs) last_read_[root(output)] = nodes_.size();
  }

  /// Adds a value's memory, where it is the piece's own or has a gradient.
  void add(std::set<std::size_t>& all, ValueId value, bool with_entering = false) const {
    const bool enters = with_entering && piece_.enters && root(value) == root(*piece_.enters);
    if (is_own_[root(value)] || enters) all.insert(root(value));
  }

  std::int64_t bytes_of_root(std::size_t r) const {
    const auto& value = graph_.values[r];
    const auto elements = graph::num_elements(value.shape);
    switch (value.type) {
      case ElementType::real:
        return elements * real_;
      case ElementType::fp32:
      case ElementType::int32:
        return elements * 4;
      case ElementType::index:
        return elements * 8;
      default:
        return elements;
    }
  }

  std::int64_t total(const std::set<std::size_t>& all) const {
    std::int64_t bytes = 0;
    for (const auto r : all) bytes += bytes_of_root(r);
    return bytes;
  }

  std::int64_t total_unsaved(const std::set<std::size_t>& all) const {
    std::int64_t bytes = 0;
    for (const auto r : all) bytes += saved_.contains(r) ? 0 : bytes_of_root(r);
    return bytes;
  }

  void save(ValueId value) {
    const auto before = saved_.size();
    add(saved_, value);
    if (saved_.size() > before) kept_ += bytes_of_root(root(value));
  }

  /// Saves what autograd keeps of a call.
  void keep(const Node& node) {
    if (std::find(views.begin(), views.end(), node.op) != views.end()) return;
    const auto* known = std::find_if(savings.begin(), savings.end(),
                                     [&](const Saving& one) { return one.op == node.op; });
    if (known == savings.end()) {
      for (const auto value : values_read(node)) save(value);
      for (const auto output : node.outputs) save(output);
      return;
    }
    const bool widens = known->widens && real_ < 4;
    // A factor that needs no gradient leaves the other one unsaved.
    const bool is_scaled = node.op == "aten::mul.Tensor" && !both_depend(node);
    for (std::size_t i = 0; i < node.arguments.size() && i < known->arguments.size(); ++i) {
      const auto* value = std::get_if<ValueId>(&node.arguments[i]);
      if (value != nullptr && known->arguments[i] && !is_scaled && !widens) save(*value);
    }
    if (known->output) save(node.outputs.front());
    kept_ += kept_unseen(node, widens);
  }

  /// Bytes that a call keeps of what is no value of the graph.
  std::int64_t kept_unseen(const Node& node, bool widens) const {
    if (widens) return elements(node, 0) * 4;
    if (node.op != "gainsweep::probed_attention") return 0;
    return attention_weights(node) * real_ * (is_capped(node) ? 2 : 1);
  }

  /// Whether an attention keeps the bounded scores too.
  static bool is_capped(const Node& node) { return node.arguments.size() > 6; }

  /// Elements of an attention's weights by blocks, under the masks that decoders have.
  std::int64_t attention_weights(const Node& node) const {
    const auto columns = shape(node, 1).back();
    return elements(node, 0) / shape(node, 0).back() *
           std::min(columns, columns / 2 + attention_block / 2);
  }

  bool both_depend(const Node& node) const {
    const auto reads = values_read(node);
    return std::all_of(reads.begin(), reads.end(),
                       [&](ValueId v) { return depends_.contains(v.index); });
  }

  std::int64_t elements(const Node& node, std::size_t argument) const {
    return graph::num_elements(graph_.value(std::get<ValueId>(node.arguments[argument])).shape);
  }

  const graph::Shape& shape(const Node& node, std::size_t argument) const {
    return graph_.value(std::get<ValueId>(node.arguments[argument])).shape;
  }

  /// Bytes that a call takes while it runs forward, beside what it reads and makes.
  std::int64_t work(const Node& node) const {
    if (node.op == "gainsweep::mean_cross_entropy")
      return 2 * wide_ * std::min(elements(node, 0), block_elements);
    if (node.op == "gainsweep::probed_attention")
      return block_scores(node) * (widens_ ? real_ + 8 : real_) + widened_keys(node) +
             (is_capped(node) ? block_scores(node) * real_ : 0);
    if (!widens_) return 0;
    if (node.op == "gainsweep::probed_linear") return widened_linear(node);
    if (node.op == "gainsweep::probed_matmul")
      return 4 * (elements(node, 0) + elements(node, 1) +
                  graph::num_elements(graph_.value(node.outputs.front()).shape));
    return 0;
  }

  /// The same backward, beside the gradients of these.
  std::int64_t backward_work(const Node& node) const {
    if (node.op == "gainsweep::probed_linear") {
      const auto block = std::min(elements(node, 1), block_elements);
      return block * real_ + (widens_ ? widened_linear(node) : 0);
    }
    // With sums of the gradients of keys and values.
    if (node.op == "gainsweep::probed_attention")
      return block_scores(node) *
                 ((widens_ ? 2 * real_ + 12 : 2 * real_) + (is_capped(node) ? real_ : 0)) +
             widened_keys(node) + wide_ * (elements(node, 1) + elements(node, 2));
    return work(node);
  }

  /// fp32 copies of a linear layer's input and a block of its weight, with their product.
  std::int64_t widened_linear(const Node& node) const {
    const auto block = std::min(elements(node, 1), block_elements);
    const auto rows = elements(node, 0) / shape(node, 0).back();
    return 4 * (elements(node, 0) + block + rows * block / shape(node, 1).back());
  }

  std::int64_t widened_keys(const Node& node) const {
    return widens_ ? 4 * (elements(node, 1) + elements(node, 2)) : 0;
  }

  /// Elements of an attention's weights in the block that sees most.
  std::int64_t block_scores(const Node& node) const {
    const auto tokens = shape(node, 3).front();
    const auto rows = elements(node, 0) / shape(node, 0).back();
    return rows / tokens * std::min(tokens, attention_block) * shape(node, 1).back();
  }

  /// Tokens of a block of attention.
  static constexpr std::int64_t attention_block = 128;
  /// Elements of a block of a weight or of scores.
  static constexpr std::int64_t block_elements = std::int64_t{1} << 20;

  const Graph& graph_;
  const graph::Segment& piece_;
  std::int64_t real_, wide_;            ///< bytes of a number, and where it is at least fp32
  bool widens_;                         ///< products, see products_for
  std::int64_t kept_ = 0;               ///< by autograd so far
  std::set<std::size_t> saved_;         ///< roots among it
  std::vector<std::size_t> roots_;      ///< by value: the one whose memory it shows
  std::vector<bool> is_strided_;        ///< by value: a view in another order
  std::vector<bool> is_own_;            ///< by value: made by a call of the piece
  std::set<std::size_t> depends_;       ///< values that depend on an input
  std::vector<const Node*> nodes_;      ///< that run
  std::vector<std::size_t> last_read_;  ///< by root: the last of `nodes_` that uses it
};

}  // namespace

Footprint footprint(const Graph& probed, const graph::Segment& piece, Precision precision) {
  return Account(probed, piece, precision).take();
}

}  // namespace gainsweep::execute

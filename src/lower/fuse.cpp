#include "lower/fuse.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "graph/reads.hpp"
#include "lower/rewrite.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument, graph::ValueId;

constexpr std::size_t weight_operand = 1;
constexpr std::size_t bias_argument = 2;

std::optional<ValueId> bias_of(const graph::Node& node) {
  const auto argument = graph::argument_or_none(node, bias_argument);
  const auto* bias = std::get_if<ValueId>(&argument);
  return bias == nullptr ? std::nullopt : std::optional(*bias);
}

void raise(float& most, float value) {
  if (std::isnan(value) || value > most) most = value;
}

/// Appends the nodes of a graph with its fused groups as one each.
class Fuser {
 public:
  Fuser(const graph::Graph& graph, const graph::Partition& partition)
      : graph_(graph), ops_(partition.ops), rewrite_(graph), is_there_(graph.nodes.size()) {
    for (const auto& subgraph : partition.subgraphs)
      for (const auto& places : subgraph.fused) {
        std::vector<OpId> group;
        for (const auto place : places) group.push_back(subgraph.ops[place]);
        for (const auto op : group) group_of_.emplace(ops_[op.index].node.index, group);
      }
  }

  graph::Graph graph() && {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) append(n);
    return std::move(rewrite_).finish();
  }

  /// An op with those of its group, or itself alone.
  std::vector<OpId> parts_with(OpId op) const {
    const auto found = group_of_.find(ops_[op.index].node.index);
    return found == group_of_.end() ? std::vector{op} : found->second;
  }

 private:
  void append(std::size_t n) {
    if (is_there_[n]) return;
    if (const auto found = group_of_.find(n); found != group_of_.end()) {
      append_group(found->second);
    } else {
      is_there_[n] = true;
      rewrite_.keep(graph_.nodes[n]);
    }
  }

  /// What a value is computed from.
  void append_maker(ValueId value) {
    const auto& producer = graph_.value(value).producer;
    if (!producer || is_there_[producer->index]) return;
    for (const auto read : values_read(graph_.node(*producer))) append_maker(read);
    append(producer->index);
  }

  void append_group(const std::vector<OpId>& group) {
    std::vector<ValueId> weights;
    std::int64_t channels = 0;
    for (const auto op : group) {
      weights.push_back(ops_[op.index].operands[weight_operand].value);
      channels += ops_[op.index].weight_channels;
      append_maker(weights.back());
      if (const auto bias = bias_of(node_of(op))) append_maker(*bias);
    }
    std::vector<std::size_t> places;
    for (const auto op : group) places.push_back(op.index);
    const auto path = graph::name_of(ops_, places);
    auto& target = rewrite_.target();
    const auto input = ops_[group.front().index].operands.front().value;
    const auto inner = graph_.value(weights.front()).shape.back();
    std::vector<Argument> arguments{
        input, target.add_node("aten::cat", {weights}, {channels, inner}, path)};
    if (const auto bias = joined_bias(group, channels, path)) arguments.emplace_back(*bias);
    auto shape = graph_.value(input).shape;
    shape.back() = channels;
    const auto all = target.add_node("aten::linear", std::move(arguments), shape, path);
    target.nodes.back().needed = node_of(group.front()).needed;
    append_slices(group, all, static_cast<std::int64_t>(shape.size()) - 1);
  }

  std::optional<ValueId> joined_bias(const std::vector<OpId>& group, std::int64_t channels,
                                     const std::string& path) {
    if (std::none_of(group.begin(), group.end(), [&](OpId op) { return bias_of(node_of(op)); }))
      return std::nullopt;
    std::vector<ValueId> biases;
    for (const auto op : group) {
      const auto own = ops_[op.index].weight_channels;
      const auto bias = bias_of(node_of(op));
      const std::vector<double> zeros(bias ? 0 : static_cast<std::size_t>(own));
      biases.push_back(bias ? *bias : rewrite_.target().add_constant("", {own}, zeros));
    }
    return rewrite_.target().add_node("aten::cat", {biases}, {channels}, path);
  }

  void append_slices(const std::vector<OpId>& group, ValueId all, std::int64_t last) {
    std::int64_t first = 0;
    for (const auto op : group) {
      const auto end = first + ops_[op.index].weight_channels;
      rewrite_.replace(node_of(op), "aten::slice.Tensor", {all, last, first, end});
      is_there_[ops_[op.index].node.index] = true;
      first = end;
    }
  }

  const graph::Node& node_of(OpId op) const { return graph_.node(ops_[op.index].node); }

  const graph::Graph& graph_;
  const std::vector<graph::Op>& ops_;
  Rewrite rewrite_;
  std::map<std::size_t, std::vector<OpId>> group_of_;  ///< by node
  std::vector<bool> is_there_;                         ///< by node
};

/// The op that a fused graph has in the place of some; values of the graph before keep their ids.
graph::Op op_of_parts(const graph::Graph& before, const std::vector<graph::Op>& ops,
                      const std::vector<OpId>& parts, const graph::Graph& after) {
  auto op = ops[parts.front().index];
  const auto output = before.node(op.node).outputs.front();
  op.node = after.value(output).producer.value();
  if (parts.size() == 1) return op;
  const auto whole = std::get<ValueId>(after.node(op.node).arguments.front());
  op.node = after.value(whole).producer.value();
  op.path = after.node(op.node).path;
  op.operands[weight_operand].value = std::get<ValueId>(after.node(op.node).arguments[1]);
  for (auto part = parts.begin() + 1; part != parts.end(); ++part) {
    const auto& other = ops[part->index];
    op.run_macs += other.run_macs;
    op.macs += other.macs;
    op.weight_elements += other.weight_elements;
    op.weight_channels += other.weight_channels;
    op.weight_shared = op.weight_shared || other.weight_shared;
  }
  return op;
}

/// Sub-graphs over the fused ops; `op_of` is by op of the graph before.
std::vector<graph::Subgraph> over(const std::vector<graph::Subgraph>& subgraphs,
                                  const std::vector<std::size_t>& op_of) {
  std::vector<graph::Subgraph> result;
  for (const auto& subgraph : subgraphs) {
    graph::Subgraph made{.cls = subgraph.cls, .name = subgraph.name};
    std::vector<std::size_t> place_of;
    for (const auto op : subgraph.ops) {
      const OpId own{op_of[op.index]};
      const auto known = std::find(made.ops.begin(), made.ops.end(), own);
      place_of.push_back(static_cast<std::size_t>(known - made.ops.begin()));
      if (known == made.ops.end()) made.ops.push_back(own);
    }
    for (const auto& tie : subgraph.ties) {
      auto& own = made.ties.emplace_back();
      for (const auto place : tie)
        if (std::find(own.begin(), own.end(), place_of[place]) == own.end())
          own.push_back(place_of[place]);
    }
    result.push_back(std::move(made));
  }
  return result;
}

}  // namespace

Fused fuse(const graph::Graph& graph, const graph::Partition& partition) {
  Fuser fuser(graph, partition);
  Fused result;
  std::vector<std::size_t> op_of(partition.ops.size());
  for (std::size_t op = 0; op < partition.ops.size(); ++op) {
    const auto parts = fuser.parts_with({op});
    if (parts.front().index != op) continue;
    for (const auto part : parts) op_of[part.index] = result.parts.size();
    result.parts.push_back(parts);
  }
  result.graph = std::move(fuser).graph();
  result.partition = {{}, over(partition.subgraphs, op_of), partition.classes};
  for (const auto& parts : result.parts)
    result.partition.ops.push_back(op_of_parts(graph, partition.ops, parts, result.graph));
  return result;
}

graph::Assignment fused(const graph::Assignment& assignment, const Fused& fused) {
  graph::Assignment result;
  for (std::size_t op = 0; op < fused.parts.size(); ++op) {
    result.push_back(assignment.at(fused.parts[op].front().index));
    for (const auto part : fused.parts[op])
      if (assignment.at(part.index) != result.back())
        throw Error(ErrorKind::internal, "the ops of " + fused.partition.ops[op].path +
                                             " take different formats, and they are one product.");
  }
  return result;
}

Maxima fused(const Maxima& maxima, const Fused& fused) {
  Maxima result;
  if (maxima.empty()) return result;
  for (const auto& parts : fused.parts) {
    auto& own = result.emplace_back(maxima.at(parts.front().index));
    for (const auto part : parts)
      for (std::size_t operand = 0; operand < own.size(); ++operand)
        raise(own[operand], maxima.at(part.index).at(operand));
  }
  return result;
}

void join_weights(Maxima& maxima, const graph::Partition& partition) {
  for (const auto& subgraph : partition.subgraphs)
    for (const auto& places : subgraph.fused) {
      float largest = 0;
      for (const auto place : places)
        raise(largest, maxima.at(subgraph.ops[place].index).at(weight_operand));
      for (const auto place : places)
        maxima.at(subgraph.ops[place].index).at(weight_operand) = largest;
    }
}

}  // namespace gainsweep::lower

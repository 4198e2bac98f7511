#include "graph/segments.hpp"

#include <algorithm>
#include <set>

#include "graph/excerpt.hpp"
#include "graph/reads.hpp"

namespace gainsweep::graph {
namespace {

/// Nodes first…last-1 of those that run, with the value that is handed on from them.
struct Run {
  std::size_t first = 0;
  std::size_t last = 0;
  std::optional<ValueId> leaves{};
};

class Cutter {
 public:
  explicit Cutter(const Graph& graph) : graph_(graph), depends_(depends_on_inputs(graph)) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      const auto& outputs = graph.nodes[n].outputs;
      // A node without outputs is there for its effect.
      if (outputs.empty() || depends_[outputs.front().index]) running_.push_back({n});
    }
  }

  std::vector<Segment> cut() const {
    std::vector<Segment> cut;
    std::optional<ValueId> enters;
    const auto runs = joined(elementary());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      cut.push_back(segment(runs[i], enters, i + 1 == runs.size()));
      enters = runs[i].leaves;
    }
    return cut;
  }

 private:
  /// Runs between any two places where one value is handed on.
  std::vector<Run> elementary() const {
    std::vector<std::size_t> last_read(graph_.values.size());
    for (std::size_t r = 0; r < running_.size(); ++r)
      for (const ValueId id : values_read(graph_.node(running_[r]))) last_read[id.index] = r;
    std::vector<Run> runs{{}};
    std::set<ValueId> alive;
    for (std::size_t r = 0; r + 1 < running_.size(); ++r) {
      const auto& node = graph_.node(running_[r]);
      for (const ValueId id : node.outputs)
        if (last_read[id.index] > r) alive.insert(id);
      for (const ValueId id : values_read(node))
        if (last_read[id.index] == r) alive.erase(id);
      if (alive.size() != 1) continue;
      runs.back().last = r + 1;
      runs.back().leaves = *alive.begin();
      runs.push_back({r + 1});
    }
    runs.back().last = running_.size();
    return runs;
  }

  std::vector<Run> joined(const std::vector<Run>& runs) const {
    const auto weights = weights_of_values();
    std::vector<Run> joined;
    std::optional<std::size_t> begin;  // of runs without a weight that wait for the next one
    for (const Run& run : runs) {
      const auto first = begin.value_or(run.first);
      begin.reset();
      const bool is_last = run.last == running_.size();
      if (reads_one_of(weights, run))
        joined.push_back({first, run.last, run.leaves});
      else if (!is_last)
        begin = first;
      else if (joined.empty())
        joined.push_back({first, run.last, {}});
      else
        joined.back().last = run.last, joined.back().leaves.reset();
    }
    return joined;
  }

  /// Whether each value is a weight or computed from one alone.
  std::vector<bool> weights_of_values() const {
    std::vector<bool> weights(graph_.values.size());
    for (std::size_t v = 0; v < weights.size(); ++v) {
      const Value& value = graph_.values[v];
      weights[v] = value.kind == ValueKind::parameter && value.shape.size() >= 2;
    }
    for (const Node& node : graph_.nodes) {
      const auto read = values_read(node);
      const bool any =
          std::any_of(read.begin(), read.end(), [&](ValueId id) { return weights[id.index]; });
      for (const ValueId id : node.outputs) weights[id.index] = any && !depends_[id.index];
    }
    return weights;
  }

  bool reads_one_of(const std::vector<bool>& marked, const Run& run) const {
    for (std::size_t r = run.first; r < run.last; ++r)
      for (const ValueId id : values_read(graph_.node(running_[r])))
        if (marked[id.index]) return true;
    return false;
  }

  Segment segment(const Run& run, std::optional<ValueId> enters, bool is_last) const {
    Segment segment{.enters = enters, .leaves = run.leaves};
    std::set<NodeId> nodes;
    std::set<ValueId> read;
    for (std::size_t r = run.first; r < run.last; ++r) {
      nodes.insert(running_[r]);
      for (const ValueId id : values_read(graph_.node(running_[r]))) read.insert(id);
    }
    for (const ValueId id : graph_.outputs) {
      const auto& producer = graph_.value(id).producer;
      const bool runs = producer && depends_[id.index];
      if (runs ? !nodes.contains(*producer) : !is_last) continue;
      segment.outputs.push_back(id);
      if (!runs) read.insert(id);
    }
    for (const ValueId id : read) add_producers(id, nodes);
    segment.nodes.assign(nodes.begin(), nodes.end());
    for (const ValueId id : graph_.inputs)
      if (read.contains(id)) segment.inputs.push_back(id);
    return segment;
  }

  /// Adds all nodes that a value which depends on no input is computed by.
  void add_producers(ValueId value, std::set<NodeId>& nodes) const {
    const auto& producer = graph_.value(value).producer;
    if (!producer || depends_[value.index] || !nodes.insert(*producer).second) return;
    for (const ValueId id : values_read(graph_.node(*producer))) add_producers(id, nodes);
  }

  const Graph& graph_;
  std::vector<bool> depends_;
  std::vector<NodeId> running_;  // nodes that depend on an input, in order
};

}  // namespace

std::vector<Segment> segments(const Graph& graph) {
  return Cutter(graph).cut();
}

Graph extract(const Graph& graph, const Segment& segment) {
  Excerpt excerpt(graph);
  if (segment.enters) excerpt.import(*segment.enters);
  for (const ValueId id : segment.inputs) excerpt.import(id);
  for (const NodeId id : segment.nodes) excerpt.append(id);
  if (segment.leaves) excerpt.add_output(*segment.leaves);
  for (const ValueId id : segment.outputs) excerpt.add_output(id);
  return std::move(excerpt).finish();
}

}  // namespace gainsweep::graph

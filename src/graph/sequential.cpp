#include "graph/sequential.hpp"

#include <algorithm>
#include <boost/pending/disjoint_sets.hpp>
#include <limits>
#include <map>
#include <set>

namespace gainsweep::graph {
namespace {

/// Disjoint sets of ops that know their sizes.
class OpSets {
 public:
  explicit OpSets(std::size_t num_ops) : sets_(num_ops), sizes_(num_ops, 1) {}

  std::size_t find(std::size_t op) { return sets_.find_set(op); }
  std::size_t size(std::size_t op) { return sizes_[find(op)]; }

  void unite(std::size_t a, std::size_t b) {
    if (find(a) == find(b)) return;
    const std::size_t size_of_both = size(a) + size(b);
    sets_.union_set(a, b);
    sizes_[find(a)] = size_of_both;
  }

 private:
  boost::disjoint_sets_with_storage<> sets_;
  std::vector<std::size_t> sizes_;
};

void unite_incomparable(const Flow& flow, const OpSet& late, OpSets& sets) {
  // Ops stand in topological order: a later one is never an ancestor of an earlier one.
  for (std::size_t b = 0; b < flow.ancestors.size(); ++b) {
    if (late[b]) continue;
    for (std::size_t a = 0; a < b; ++a) {
      if (!late[a] && !flow.ancestors[b][a]) sets.unite(a, b);
    }
  }
}

/// An op that may join a component: several of its operands come from ops.
struct Joint {
  std::size_t op = 0;
  std::vector<std::size_t> nearest;  ///< nearest ops of all those operands
};

std::vector<Joint> find_joints(const std::vector<Op>& ops, const Flow& flow, const OpSet& late) {
  std::vector<Joint> joints;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (late[i]) continue;
    std::set<ValueId> counted;
    OpSet nearest(ops.size());
    for (const Operand& operand : ops[i].operands) {
      const OpSet& sources = flow.nearest[operand.value.index];
      if (sources.none()) continue;  // a parameter, a model input, or computed from these alone
      counted.insert(operand.value);
      nearest |= sources;
    }
    if (counted.size() < 2) continue;
    Joint joint{.op = i, .nearest = {}};
    for (auto op = nearest.find_first(); op != OpSet::npos; op = nearest.find_next(op)) {
      joint.nearest.push_back(op);
    }
    joints.push_back(std::move(joint));
  }
  return joints;
}

void unite_joined(const std::vector<Joint>& joints, OpSets& sets) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Joint& joint : joints) {
      const std::size_t component = sets.find(joint.nearest.front());
      const bool inside = std::all_of(joint.nearest.begin(), joint.nearest.end(),
                                      [&](std::size_t op) { return sets.find(op) == component; });
      if (!inside || sets.size(component) < 2 || sets.find(joint.op) == component) continue;
      sets.unite(component, joint.op);
      changed = true;
    }
  }
}

void unite_late(const Graph& graph, const std::vector<Op>& ops, const OpSet& late, OpSets& sets) {
  constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> op_of(graph.nodes.size(), nobody);
  for (std::size_t i = 0; i < ops.size(); ++i) op_of[ops[i].node.index] = i;
  // By node: the first op that is not late among those its outputs flow to.
  std::vector<std::size_t> consumer(graph.nodes.size(), nobody);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const bool is_late = op_of[i] != nobody && late[op_of[i]];
    if (is_late && consumer[i] != nobody) sets.unite(op_of[i], consumer[i]);
    const std::size_t first = op_of[i] == nobody || is_late ? consumer[i] : op_of[i];
    for (const ValueId id : values_read(graph.nodes[i])) {
      const auto& producer = graph.value(id).producer;
      if (producer) consumer[producer->index] = std::min(consumer[producer->index], first);
    }
  }
}

}  // namespace

std::vector<OpGroup> groups_of(const std::vector<std::size_t>& labels) {
  std::map<std::size_t, std::size_t> group_of;
  std::vector<OpGroup> groups;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [entry, added] = group_of.try_emplace(labels[i], groups.size());
    if (added) groups.emplace_back();
    groups[entry->second].push_back(i);
  }
  return groups;
}

std::vector<OpGroup> sequential_groups(const Graph& graph, const std::vector<Op>& ops,
                                       const OpSet& late) {
  const Flow flow = trace_flow(graph, ops, late);
  OpSets sets(ops.size());
  unite_incomparable(flow, late, sets);
  unite_joined(find_joints(ops, flow, late), sets);
  unite_late(graph, ops, late, sets);
  std::vector<std::size_t> labels(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) labels[i] = sets.find(i);
  return groups_of(labels);
}

}  // namespace gainsweep::graph

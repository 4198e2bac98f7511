// The partition against an independent and slow reading of its definition, on random graphs.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "graph/partition.hpp"
#include "models.hpp"

namespace gainsweep::graph {
namespace {

using Matrix = std::vector<std::vector<bool>>;
using Groups = std::set<std::set<std::size_t>>;

struct RandomGraph {
  Graph graph;
  std::vector<bool> late;  ///< by op
};

/// A graph of `num_nodes` nodes that each read recent values, or far ones now and then.
RandomGraph random_graph(std::mt19937& random, std::size_t num_nodes, std::size_t reach,
                         bool with_late) {
  RandomGraph result;
  Graph& graph = result.graph;
  std::vector<ValueId> values{graph.add_input("x", ElementType::real, {4, 4}),
                              graph.add_input("y", ElementType::real, {4, 4})};
  const ValueId weight = graph.add_parameter("w", {4, 4});
  const auto pick = [&] {
    const std::size_t span = random() % 8 == 0 ? values.size() : std::min(reach, values.size());
    return values[values.size() - 1 - random() % span];
  };
  for (std::size_t i = 0; i < num_nodes; ++i) {
    const std::size_t kind = random() % 5;
    const bool is_op = kind < 3;
    const bool late = is_op && with_late && random() % 6 == 0;
    const std::string path = (late ? "late." : "op.") + std::to_string(i);
    if (is_op) result.late.push_back(late);
    if (kind == 0) {
      values.push_back(graph.add_node("aten::linear", {pick(), weight}, {4, 4}, path));
    } else if (is_op) {
      values.push_back(graph.add_node("aten::matmul", {pick(), pick()}, {4, 4}, path));
    } else if (kind == 3) {
      values.push_back(graph.add_node("aten::add.Tensor", {pick(), pick()}, {4, 4}, ""));
    } else {
      values.push_back(graph.add_node("aten::relu", {pick()}, {4, 4}, ""));
    }
  }
  return result;
}

/// Reachability between nodes by Floyd and Warshall.
Matrix reachability(const Graph& graph) {
  const std::size_t n = graph.nodes.size();
  Matrix reach(n, std::vector<bool>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (const ValueId id : values_read(graph.nodes[i])) {
      if (graph.value(id).producer) reach[graph.value(id).producer->index][i] = true;
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; reach[i][k] && j < n; ++j) reach[i][j] = reach[i][j] || reach[k][j];
    }
  }
  return reach;
}

/// The naive definition over a random graph.
class Reference {
 public:
  explicit Reference(const RandomGraph& random)
      : graph_(random.graph),
        late_(random.late),
        ops_(quantizable_ops(random.graph)),
        reach_(reachability(random.graph)) {}

  bool ordered(std::size_t a, std::size_t b) const {
    const std::size_t i = ops_[a].node.index;
    const std::size_t j = ops_[b].node.index;
    return reach_[i][j] || reach_[j][i];
  }

  /// Components of the incomparability relation by flooding, late ops left out.
  Groups components() const {
    Groups groups;
    std::vector<bool> seen(late_);
    for (std::size_t start = 0; start < ops_.size(); ++start) {
      if (seen[start]) continue;
      std::set<std::size_t> group;
      std::vector<std::size_t> open{start};
      seen[start] = true;
      while (!open.empty()) {
        const std::size_t op = open.back();
        open.pop_back();
        group.insert(op);
        for (std::size_t other = 0; other < ops_.size(); ++other) {
          if (seen[other] || other == op || ordered(op, other)) continue;
          seen[other] = true;
          open.push_back(other);
        }
      }
      groups.insert(group);
    }
    return groups;
  }

  /// The components with the ops that join them, one merge at a time until there is none.
  Groups joined(Groups groups) const {
    while (const auto pair = next_merge(groups)) {
      std::set<std::size_t> both = pair->first;
      both.insert(pair->second.begin(), pair->second.end());
      groups.erase(pair->first);
      groups.erase(pair->second);
      groups.insert(both);
    }
    return groups;
  }

  Groups with_late(const Groups& groups) const {
    std::vector<std::set<std::size_t>> result(groups.begin(), groups.end());
    for (std::size_t op = 0; op < ops_.size(); ++op) {
      if (!late_[op]) continue;
      const auto consumer = first_consumer(op);
      const auto home = std::find_if(result.begin(), result.end(), [&](const auto& group) {
        return consumer && group.count(*consumer) > 0;
      });
      if (home == result.end()) {
        result.push_back({op});
      } else {
        home->insert(op);
      }
    }
    return {result.begin(), result.end()};
  }

 private:
  using Pair = std::pair<std::set<std::size_t>, std::set<std::size_t>>;

  std::optional<Pair> next_merge(const Groups& groups) const {
    for (const auto& component : groups) {
      if (component.size() < 2) continue;
      for (const auto& other : groups) {
        if (other == component) continue;
        for (const std::size_t op : other) {
          if (joins(op, component)) return Pair{component, other};
        }
      }
    }
    return std::nullopt;
  }

  bool joins(std::size_t op, const std::set<std::size_t>& component) const {
    std::set<ValueId> counted;
    for (const Operand& operand : ops_[op].operands) {
      const auto nearest = nearest_ops(operand.value);
      if (nearest.empty()) continue;
      counted.insert(operand.value);
      if (!std::includes(component.begin(), component.end(), nearest.begin(), nearest.end())) {
        return false;
      }
    }
    return counted.size() >= 2;
  }

  std::optional<std::size_t> op_at(std::size_t node) const {
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i].node.index == node) return i;
    }
    return std::nullopt;
  }

  std::set<std::size_t> nearest_ops(ValueId value) const {
    std::set<std::size_t> nearest;
    std::vector<ValueId> open{value};
    std::set<ValueId> seen;
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      const auto& producer = graph_.value(id).producer;
      if (!producer || !seen.insert(id).second) continue;
      const auto op = op_at(producer->index);
      if (op && !late_[*op]) {
        nearest.insert(*op);
        continue;
      }
      const auto read = values_read(graph_.node(*producer));
      open.insert(open.end(), read.begin(), read.end());
    }
    return nearest;
  }

  std::optional<std::size_t> first_consumer(std::size_t late_op) const {
    for (std::size_t op = 0; op < ops_.size(); ++op) {
      if (!late_[op] && reach_[ops_[late_op].node.index][ops_[op].node.index]) return op;
    }
    return std::nullopt;
  }

  const Graph& graph_;
  const std::vector<bool>& late_;
  std::vector<Op> ops_;
  Matrix reach_;
};

Groups groups_of(const Partition& partition) {
  Groups groups;
  for (const Subgraph& subgraph : partition.subgraphs) {
    std::set<std::size_t> group;
    for (const OpId op : subgraph.ops) group.insert(op.index);
    groups.insert(group);
  }
  return groups;
}

void expect_ordered_between_groups(const Reference& reference, const Groups& groups) {
  for (const auto& group : groups) {
    for (const auto& other : groups) {
      if (group == other) continue;
      for (const std::size_t a : group) {
        for (const std::size_t b : other) ASSERT_TRUE(reference.ordered(a, b)) << a << " " << b;
      }
    }
  }
}

constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

TEST(PartitionRandom, EqualsTheNaiveDefinition) {
  std::mt19937 random(7);
  std::size_t num_several = 0;
  std::size_t num_joined = 0;
  std::size_t num_merged = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto sample = random_graph(random, 4 + random() % 28, 1 + random() % 4, false);
    const Reference reference(sample);
    const auto components = reference.components();
    const auto groups = groups_of(partition(sample.graph, {.configuration_limit = unlimited}, 1));
    expect_ordered_between_groups(reference, groups);
    ASSERT_EQ(groups, reference.joined(components)) << "graph " << i;
    for (const auto& group : groups) {
      std::size_t parts_of_several = 0;
      std::size_t parts = 0;
      for (const auto& component : components) {
        if (group.count(*component.begin()) == 0) continue;
        ++parts;
        parts_of_several += component.size() > 1 ? 1 : 0;
      }
      num_several += group.size() > 1 ? 1 : 0;
      num_joined += parts > 1 ? 1 : 0;
      num_merged += parts_of_several > 1 ? 1 : 0;
    }
  }
  // The sample exercises every clause of the definition.
  EXPECT_GT(num_several, 1000U);
  EXPECT_GT(num_joined, 100U);
  EXPECT_GT(num_merged, 10U);
}

TEST(PartitionRandom, EqualsTheNaiveDefinitionWithLateOps) {
  std::mt19937 random(11);
  std::size_t num_late = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto sample = random_graph(random, 4 + random() % 28, 1 + random() % 4, true);
    PartitionSpec spec{.configuration_limit = unlimited};
    if (std::count(sample.late.begin(), sample.late.end(), true) > 0) spec.late = {"late.*"};
    num_late += spec.late.size();
    const Reference reference(sample);
    ASSERT_EQ(groups_of(partition(sample.graph, spec, 1)),
              reference.with_late(reference.joined(reference.components())))
        << "graph " << i;
  }
  EXPECT_GT(num_late, 1000U);
}

TEST(PartitionRandom, ExtractedRegionsAreTheNodesBetweenTheOps) {
  std::mt19937 random(13);
  for (int i = 0; i < 500; ++i) {
    const auto sample = random_graph(random, 4 + random() % 28, 1 + random() % 4, false);
    const Matrix reach = reachability(sample.graph);
    const auto ops = quantizable_ops(sample.graph);
    std::set<NodeId> chosen;
    for (const Op& op : ops) {
      if (random() % 3 == 0) chosen.insert(op.node);
    }
    if (chosen.empty()) continue;
    const auto on_path = [&](std::size_t node) {
      const bool after = std::any_of(chosen.begin(), chosen.end(), [&](NodeId op) {
        return op.index == node || reach[op.index][node];
      });
      const bool before = std::any_of(chosen.begin(), chosen.end(), [&](NodeId op) {
        return op.index == node || reach[node][op.index];
      });
      return after && before;
    };
    std::vector<std::string> expected;
    for (std::size_t node = 0; node < sample.graph.nodes.size(); ++node) {
      if (on_path(node)) expected.push_back(sample.graph.nodes[node].op);
    }
    const Graph region = extract(sample.graph, {chosen.rbegin(), chosen.rend()});
    ASSERT_NO_THROW(validate(region));
    std::vector<std::string> found;
    for (const Node& node : region.nodes) found.push_back(node.op);
    ASSERT_EQ(found, expected) << "graph " << i;
  }
}

}  // namespace
}  // namespace gainsweep::graph

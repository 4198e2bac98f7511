#include "pipeline/layout.hpp"

#include <gtest/gtest.h>

#include <set>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "models.hpp"
#include "pipeline/timing_target.hpp"

namespace gainsweep::pipeline {
namespace {

graph::PartitionSpec tied() {
  graph::PartitionSpec spec;
  spec.tie = {"layers.*.attention.*"};
  spec.split = {"layers.1.*gate"};
  return spec;
}

void expect_equal(const graph::Op& read, const graph::Op& op) {
  SCOPED_TRACE(op.path);
  EXPECT_EQ(read.path, op.path);
  EXPECT_EQ(read.kind, op.kind);
  EXPECT_EQ(read.macs, op.macs);
  EXPECT_EQ(read.weight_elements, op.weight_elements);
  EXPECT_EQ(read.weight_channels, op.weight_channels);
  EXPECT_EQ(read.weight_shared, op.weight_shared);
  ASSERT_EQ(read.operands.size(), op.operands.size());
  for (std::size_t k = 0; k < op.operands.size(); ++k) {
    EXPECT_EQ(read.operands[k].role, op.operands[k].role);
    EXPECT_EQ(read.operands[k].name, op.operands[k].name);
  }
}

void expect_round_trip(const Layout& layout) {
  const auto read = to_layout({{}, {}, to_tables(layout)}, layout.formats);
  EXPECT_EQ(read.real_formats, layout.real_formats);
  EXPECT_EQ(read.modules, layout.modules);
  EXPECT_EQ(read.held.parameters, layout.held.parameters);
  ASSERT_EQ(read.held.caches.size(), layout.held.caches.size());
  for (std::size_t i = 0; i < read.held.caches.size(); ++i) {
    EXPECT_EQ(read.held.caches[i].elements, layout.held.caches[i].elements);
    EXPECT_EQ(read.held.caches[i].window, layout.held.caches[i].window);
  }
  EXPECT_EQ(read.partition.classes, layout.partition.classes);
  ASSERT_EQ(read.partition.ops.size(), layout.partition.ops.size());
  for (std::size_t i = 0; i < read.partition.ops.size(); ++i)
    expect_equal(read.partition.ops[i], layout.partition.ops[i]);
  ASSERT_EQ(read.partition.subgraphs.size(), layout.partition.subgraphs.size());
  for (std::size_t j = 0; j < read.partition.subgraphs.size(); ++j) {
    const auto& subgraph = layout.partition.subgraphs[j];
    SCOPED_TRACE(subgraph.name);
    EXPECT_EQ(read.partition.subgraphs[j].name, subgraph.name);
    EXPECT_EQ(read.partition.subgraphs[j].ops, subgraph.ops);
    EXPECT_EQ(read.partition.subgraphs[j].ties, subgraph.ties);
    EXPECT_EQ(read.partition.subgraphs[j].fused, subgraph.fused);
    EXPECT_EQ(read.partition.subgraphs[j].cls, subgraph.cls);
  }
}

TEST(Layout, ComesBackFromItsTables) {
  expect_round_trip(models::llama());
  auto small = models::small();
  expect_round_trip(small);
  small.held = {123, {{64, 0}, {32, 16}}};
  expect_round_trip(small);
}

TEST(Layout, ComesBackWithTies) {
  const auto layout = models::llama(tied());
  std::size_t tied_ops = 0;
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto& tie : subgraph.ties) tied_ops += tie.size() > 1 ? tie.size() : 0;
  ASSERT_GT(tied_ops, 0u) << "the partition has no tie, so this proves nothing";
  expect_round_trip(layout);
}

TEST(Layout, ComesBackWithFusedGroups) {
  const auto layout = models::llama({.fused = graph::FusedLayers::all});
  std::size_t groups = 0;
  for (const auto& subgraph : layout.partition.subgraphs) groups += subgraph.fused.size();
  ASSERT_GT(groups, 1U) << "nothing is fused, so this proves nothing";
  expect_round_trip(layout);
}

TEST(Layout, RefusesTablesThatDoNotFitEachOther) {
  const auto layout = models::small();
  const auto refused = [&](const std::string& table, const std::string& field,
                           archive::Array values) {
    archive::Contents contents{{}, {}, to_tables(layout)};
    for (auto& each : contents.tables)
      for (auto& candidate : each.fields)
        if (each.path == table && candidate.name == field) candidate.values = values;
    try {
      to_layout(contents, layout.formats);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::input;
    }
    return false;
  };
  using Integers = std::vector<std::int64_t>;
  using Texts = std::vector<std::string>;
  EXPECT_TRUE(refused("ops", "subgraph", Integers{0, 0, 1, 1, 9}));
  EXPECT_TRUE(refused("ops", "real_formats", Texts(5, "bf16,int4")));
  EXPECT_TRUE(refused("ops", "kind", Texts(5, "softmax")));
  EXPECT_TRUE(refused("ops", "macs", Texts(5, "many")));
  EXPECT_TRUE(refused("operands", "op", Integers(10, 7)));
}

TEST(OperandAxis, GoesThroughOpsInOrder) {
  const auto axis = operand_axis(models::small().partition.ops);
  ASSERT_EQ(axis.size(), 10u);
  EXPECT_EQ(axis[3].op, 1u);
  EXPECT_EQ(axis[3].operand, 1u);
}

TEST(AssignmentKey, TellsAssignmentsApartByTheirFormatsNames) {
  const auto layout = models::small();
  const auto key = [&](const graph::Assignment& assignment) {
    return assignment_key(assignment, layout.formats);
  };
  EXPECT_EQ(key({{0}, {1}}), key({{0}, {1}}));
  EXPECT_NE(key({{0}, {1}}), key({{1}, {0}}));
  EXPECT_NE(key({{0}}), key({{0}, {0}}));
  EXPECT_EQ(key({{0}}).size(), 64u);
  // A format of the same name at another place is the same format.
  EXPECT_EQ(key({{1}}), assignment_key({{0}}, {layout.formats[1]}));
}

TEST(TimingTargets, AreClassesWithSomethingToChoose) {
  const auto layout = models::llama();
  const auto targets = timing_targets(layout, {});
  std::set<std::string> tables;
  for (const auto& target : targets) {
    SCOPED_TRACE(target.label);
    tables.insert(target.table);
    EXPECT_EQ(target.lowered, target.applies_to) << "scope model lowers all members together";
    EXPECT_GT(target.configurations.size(), 1u);
    for (const auto format : target.configurations.front()) EXPECT_EQ(format, high_format);
    for (const auto member : target.lowered)
      EXPECT_EQ(layout.partition.subgraphs[member.index].cls,
                layout.partition.subgraphs[target.lowered.front().index].cls);
  }
  EXPECT_EQ(tables.size(), targets.size());
  // Attention (q, k, v, qk and av), o, gate and up, down, head: 2 layers alike.
  ASSERT_EQ(targets.size(), 5u);
  EXPECT_EQ(targets[0].configurations.size(), 32u);
}

TEST(TimingTargets, InScopeSubgraphOneMemberStandsForItsClass) {
  spec::LatencySpec spec;
  spec.scope = latency::Scope::subgraph;
  for (const auto& target : timing_targets(models::llama(), spec)) {
    EXPECT_EQ(target.lowered, std::vector{target.applies_to.front()});
  }
}

TEST(TimingTargets, EachMemberCanHaveItsOwn) {
  spec::LatencySpec spec;
  spec.each_member = true;
  const auto targets = timing_targets(models::llama(), spec);
  EXPECT_EQ(targets.size(), 9u);
  for (const auto& target : targets) {
    EXPECT_EQ(target.lowered.size(), 1u);
    EXPECT_EQ(target.lowered, target.applies_to);
  }
}

}  // namespace
}  // namespace gainsweep::pipeline

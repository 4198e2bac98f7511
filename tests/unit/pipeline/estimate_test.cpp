#include "pipeline/estimate.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace gainsweep::pipeline {
namespace {

using graph::ElementType;

/// a = f(x), b = g(a, a), c = h(a) of 8-bit codes, y = k(b, c); x and the weight are no
/// intermediates.
graph::Graph diamond() {
  graph::Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {100});
  const auto a = graph.add_node("f", {x, graph.add_parameter("w", {1000})}, {10}, "f");
  const auto b = graph.add_node("g", {a, a}, {20}, "g");
  const auto c = graph.add_node("h", {a}, {7}, "h", ElementType::byte);
  graph.outputs = {graph.add_node("k", {b, c}, {3}, "k")};
  return graph;
}

TEST(ActivationBytes, CountsWhatIsAliveAtOnce) {
  const auto bytes = activation_bytes(diamond(), 4);
  EXPECT_EQ(bytes.total, 40 + 80 + 7 + 12);
  // During h: a, b and c. During k: b, c and y.
  EXPECT_EQ(bytes.peak, 40 + 80 + 7);
}

TEST(ActivationBytes, ScalesWithThePrecisionOfRealsOnly) {
  const auto bytes = activation_bytes(diamond(), 2);
  EXPECT_EQ(bytes.total, 20 + 40 + 7 + 6);
  EXPECT_EQ(bytes.peak, 20 + 40 + 7);
}

TEST(ActivationBytes, KeepsTheGraphsOutputsAndKnowsFixedTypes) {
  graph::Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {1});
  const auto first = graph.add_node("f", {x}, {5}, "f", ElementType::fp32);
  const auto second = graph.add_node("g", {x}, {5}, "g", ElementType::index);
  graph.outputs = {first, second};
  EXPECT_EQ(activation_bytes(graph, 2).total, 5 * 4 + 5 * 8);
  EXPECT_EQ(activation_bytes(graph, 2).peak, 5 * 4 + 5 * 8);
}

/// So many linear layers of one shape behind each other.
graph::Graph chain(std::size_t length) {
  graph::Graph graph;
  auto value = graph.add_input("x", ElementType::real, {4, 8});
  for (std::size_t i = 0; i < length; ++i) {
    const auto name = std::to_string(i);
    const auto weight = graph.add_parameter("w" + name, {8, 8});
    value = graph.add_node("aten::linear", {value, weight}, {4, 8}, name);
  }
  graph.outputs = {value};
  return graph;
}

TEST(TimingBytes, AreOfOneSegmentOfEachStructureWhereTheseRunAlone) {
  auto about = models::subject();
  about.spec.latency.scope = latency::Scope::subgraph;
  about.latency_graph = std::make_shared<const graph::Graph>(chain(4));
  const auto alone = timing_bytes(about);
  about.latency_graph = std::make_shared<const graph::Graph>(chain(40));
  EXPECT_EQ(timing_bytes(about), alone);
  about.spec.latency.scope = latency::Scope::model;
  // A weight packed in bf16 and in int8 has 3 bytes for each number.
  EXPECT_EQ(timing_bytes(about) - 39 * 3 * 64, alone + 4 * 8 * 2) << "an input beside an output";
}

TEST(PlanTimingBytes, AreThereWherePlansAreTimed) {
  auto about = models::subject();
  about.latency_graph = std::make_shared<const graph::Graph>(chain(3));
  about.spec.evaluate.time = true;
  about.spec.latency.scope = latency::Scope::model;
  EXPECT_EQ(plan_timing_bytes(about), timing_bytes(about));
  about.spec.evaluate.time = false;
  EXPECT_EQ(plan_timing_bytes(about), 0);
}

}  // namespace
}  // namespace gainsweep::pipeline

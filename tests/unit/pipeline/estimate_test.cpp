#include "pipeline/estimate.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gainsweep::pipeline

#include "graph/graph.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "models.hpp"
#include "unit/throws.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;

/// Two linear layers in a row.
Graph chain() {
  Graph graph{.name = "chain"};
  const ValueId x = graph.add_input("x", ElementType::real, {2, 8});
  const ValueId hidden = linear(graph, x, 6, "a");
  graph.outputs = {linear(graph, hidden, 4, "b")};
  return graph;
}

std::string complaint(const Graph& graph) {
  try {
    validate(graph);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    return error.what();
  }
  return {};
}

TEST(Builder, ReturnsOneValueForAParameterNamedTwice) {
  Graph graph;
  const ValueId first = graph.add_parameter("w", {2, 3});
  EXPECT_EQ(graph.add_parameter("w", {2, 3}), first);
  EXPECT_NE(graph.add_parameter("other", {2, 3}), first);
  EXPECT_ERROR(graph.add_parameter("w", {3, 2}), ErrorKind::internal, "w");
}

TEST(Builder, ChecksWhatItCanAtOnce) {
  Graph graph;
  EXPECT_ERROR(graph.add_constant("c", {2, 2}, {1, 2, 3}), ErrorKind::internal, "c");
  EXPECT_ERROR(graph.add_output({2}), ErrorKind::internal, "an output is added before any node");
}

TEST(Builder, AddsFurtherOutputsToTheLastNode) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {4});
  const ValueId largest = graph.add_node("aten::max.dim", {x, std::int64_t{0}}, {}, "");
  const ValueId where = graph.add_output({}, ElementType::index);
  EXPECT_EQ(graph.nodes[0].outputs, (std::vector{largest, where}));
  EXPECT_EQ(graph.value(where).type, ElementType::index);
  EXPECT_EQ(complaint(graph), "");
}

TEST(ValuesRead, FollowsArgumentsAndLists) {
  Graph graph;
  const ValueId a = graph.add_input("a", ElementType::real, {4});
  const ValueId b = graph.add_input("b", ElementType::real, {4});
  graph.add_node("aten::cat", {std::vector{b, a, b}, std::int64_t{0}}, {12}, "");
  EXPECT_EQ(values_read(graph.nodes[0]), (std::vector{b, a, b}));
}

TEST(Validate, AcceptsWholeModels) {
  EXPECT_EQ(complaint(chain()), "");
  EXPECT_EQ(complaint(llama(2)), "");
}

TEST(Validate, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::function<void(Graph&)>>> damages{
      {"as its producer", [](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }},
      {"before it is computed", [](Graph& g) { g.nodes[0].arguments[0] = g.outputs[0]; }},
      {"reads %99, which does not exist", [](Graph& g) { g.nodes[1].arguments[0] = ValueId{99}; }},
      {"writes %99, which does not exist", [](Graph& g) { g.nodes[1].outputs.push_back({99}); }},
      {"graph output %99", [](Graph& g) { g.outputs = {ValueId{99}}; }},
      {"is not an input value", [](Graph& g) { g.inputs = {g.outputs[0]}; }},
      {"as its producer", [](Graph& g) { g.nodes[1].outputs.clear(); }},
      {"names another producer", [](Graph& g) { g.nodes[1].outputs.push_back({0}); }},
      {"producer that does not exist", [](Graph& g) { g.values[2].producer = NodeId{9}; }},
      {"exactly if", [](Graph& g) { g.values[2].producer.reset(); }},
      {"negative size",
       [](Graph& g) {
         g.values[0].shape = {-1, 8};
       }},
      {"holds 0 numbers", [](Graph& g) { g.values[1].kind = ValueKind::constant; }},
  };
  for (const auto& [expected, damage] : damages) {
    Graph graph = chain();
    damage(graph);
    const std::string message = complaint(graph);
    EXPECT_NE(message.find(expected), std::string::npos) << expected << "\n" << message;
  }
}

}  // namespace
}  // namespace gainsweep::graph

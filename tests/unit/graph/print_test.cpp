#include "graph/print.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "models.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using testing::HasSubstr;

TEST(ToText, ShowsEveryArgument) {
  Graph graph{.name = "tiny"};
  const ValueId x = graph.add_input("tokens", ElementType::index, {2, 3});
  const ValueId w = graph.add_parameter("embed.weight", {10, 4});
  const ValueId table = graph.add_constant("cos", {3, 4}, std::vector<double>(12));
  const ValueId half = graph.add_constant("", {}, {0.5}, ElementType::fp32);
  const ValueId e =
      graph.add_node("aten::embedding", {w, x, std::int64_t{-1}, false, true}, {2, 3, 4}, "embed");
  const ValueId largest = graph.add_node("aten::max.dim", {e, std::int64_t{2}}, {2, 3}, "");
  graph.add_output({2, 3}, ElementType::index);
  const ValueId all = graph.add_node("aten::cat",
                                     {std::vector{e, table}, std::vector<std::int64_t>{0, 1},
                                      std::monostate{}, 2.0, 1e-5, half, std::string("no\"ne")},
                                     {4, 3, 4}, "join", ElementType::fp32);
  graph.outputs = {all, largest};
  EXPECT_EQ(to_text(graph),
            "graph tiny\n"
            "input %0 : index[2, 3]  # tokens\n"
            "parameter embed.weight : real[10, 4]\n"
            "%4 = aten::embedding(embed.weight, %0, -1, false, true) : real[2, 3, 4]  # embed\n"
            "%5, %6 = aten::max.dim(%4, 2) : real[2, 3], index[2, 3]\n"
            "%7 = aten::cat([%4, cos[3, 4]], [0, 1], None, 2.0, 1e-05, 0.5, \"no\\\"ne\") : "
            "fp32[4, 3, 4]  # join\n"
            "return %7, %5\n");
}

TEST(ToText, HasALineForEachNode) {
  const Graph graph = llama(2);
  const std::string text = to_text(graph);
  EXPECT_THAT(text, HasSubstr("aten::linear(%"));
  EXPECT_THAT(text, HasSubstr(", layers.1.attention.q.weight) : real[1, 16, 32]  # "
                              "layers.1.attention.q\n"));
  std::size_t num_calls = 0;
  for (auto at = text.find(" = "); at != std::string::npos; at = text.find(" = ", at + 1)) {
    ++num_calls;
  }
  EXPECT_EQ(num_calls, graph.nodes.size());
}

TEST(ToDot, PutsSubgraphsInClusters) {
  const Graph graph = llama(1);
  const auto found = partition(graph, {}, 2);
  const std::string text = to_dot(graph, &found);
  EXPECT_THAT(text, HasSubstr("label=\"layers.0.attention.{q,k,v,qk,av}\""));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_4"));
  EXPECT_THAT(text, HasSubstr("fillcolor="));
  EXPECT_THAT(to_dot(graph), testing::Not(HasSubstr("cluster")));
}

TEST(ToDot, IsValidForGraphviz) {
  if (std::system("dot -V > /dev/null 2>&1") != 0) GTEST_SKIP() << "Graphviz is not installed";
  Graph graph = llama(2);
  graph.name = "odd \"name\" \\ {here}";
  graph.nodes[3].path = "a\"b\\c\nd<e>";
  const auto found = partition(graph, {}, 2);
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto source = folder / "gainsweep_graph_test.dot";
  const auto drawing = folder / "gainsweep_graph_test.svg";
  std::ofstream(source) << to_dot(graph, &found);
  const std::string command = "dot -Tsvg " + source.string() + " -o " + drawing.string();
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_GT(std::filesystem::file_size(drawing), 1000U);
}

TEST(Text, SpellsEightBitFloats) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::fp8_e4m3, {2});
  graph.outputs = {
      graph.add_node("aten::to.dtype", {x, "fp8_e5m2"}, {2}, "narrow", ElementType::fp8_e5m2)};
  const std::string text = to_text(graph);
  EXPECT_NE(text.find("input %0 : fp8_e4m3[2]"), std::string::npos) << text;
  EXPECT_NE(text.find(": fp8_e5m2[2]"), std::string::npos) << text;
}

}  // namespace
}  // namespace gainsweep::graph

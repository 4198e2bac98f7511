#include "graph/segments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "models.hpp"

namespace gainsweep::graph {
namespace {

using namespace models;
using testing::ElementsAre;

/// The paths of what a segment computes, each once.
std::vector<std::string> paths(const Graph& graph, const Segment& segment) {
  std::vector<std::string> found;
  for (const NodeId id : segment.nodes) {
    const auto& path = graph.node(id).path;
    if (!path.empty() && std::find(found.begin(), found.end(), path) == found.end())
      found.push_back(path);
  }
  return found;
}

/// The numbers of nodes' results, made up from the names of what they come from: equal only where
/// the same calls were made on the same values.
class Tracer {
 public:
  static std::vector<std::size_t> run(const Graph& graph, const std::vector<std::size_t>& inputs) {
    std::vector<std::size_t> values(graph.values.size());
    for (std::size_t v = 0; v < values.size(); ++v)
      if (graph.values[v].kind == ValueKind::parameter ||
          graph.values[v].kind == ValueKind::constant)
        values[v] = std::hash<std::string>()("held " + graph.values[v].name);
    for (std::size_t i = 0; i < inputs.size(); ++i) values[graph.inputs[i].index] = inputs[i];
    for (const Node& node : graph.nodes) {
      std::string call = node.op;
      for (const ValueId id : values_read(node)) call += " " + std::to_string(values[id.index]);
      for (std::size_t o = 0; o < node.outputs.size(); ++o)
        values[node.outputs[o].index] = std::hash<std::string>()(call + "." + std::to_string(o));
    }
    std::vector<std::size_t> outputs;
    for (const ValueId id : graph.outputs) outputs.push_back(values[id.index]);
    return outputs;
  }

  /// The outputs of the whole graph, segment by segment.
  static std::vector<std::size_t> run_in_sequence(const Graph& graph,
                                                  const std::vector<std::size_t>& inputs) {
    std::map<ValueId, std::size_t> known;
    for (std::size_t i = 0; i < inputs.size(); ++i) known[graph.inputs[i]] = inputs[i];
    std::map<ValueId, std::size_t> outputs;
    for (const Segment& segment : segments(graph)) {
      const Graph part = extract(graph, segment);
      validate(part);
      std::vector<std::size_t> given;
      if (segment.enters) given.push_back(known.at(*segment.enters));
      for (const ValueId id : segment.inputs) given.push_back(known.at(id));
      EXPECT_EQ(part.inputs.size(), given.size());
      const auto made = run(part, given);
      if (segment.leaves) known[*segment.leaves] = made.front();
      for (std::size_t i = 0; i < segment.outputs.size(); ++i)
        outputs[segment.outputs[i]] = made.at(i + (segment.leaves ? 1 : 0));
    }
    std::vector<std::size_t> all;
    for (const ValueId id : graph.outputs) all.push_back(outputs.at(id));
    return all;
  }
};

TEST(Segments, OfADecoderAreItsEmbeddingHalvesOfBlocksAndHead) {
  Graph graph = llama(2);
  // Class scores and a loss on labels.
  const ValueId labels = graph.add_input("labels", ElementType::index, {1, 16});
  const ValueId logits = graph.outputs[0];
  graph.outputs = {graph.add_node("aten::cross_entropy_loss", {logits, labels}, {}, "loss"),
                   logits};
  const auto cut = segments(graph);
  ASSERT_EQ(cut.size(), 6U);
  EXPECT_THAT(paths(graph, cut[0]), ElementsAre("embed"));
  EXPECT_THAT(paths(graph, cut[1]),
              ElementsAre("layers.0.attention.norm", "layers.0.attention.q", "layers.0.attention.k",
                          "layers.0.attention.v", "layers.0.attention.qk", "layers.0.attention.av",
                          "layers.0.attention.o"));
  EXPECT_THAT(paths(graph, cut[4]), ElementsAre("layers.1.mlp.norm", "layers.1.mlp.gate",
                                                "layers.1.mlp.up", "layers.1.mlp.down"));
  EXPECT_THAT(paths(graph, cut[5]), ElementsAre("norm", "lm_head", "loss"));
  EXPECT_THAT(cut[0].inputs, ElementsAre(graph.inputs[0]));
  EXPECT_FALSE(cut[0].enters);
  for (std::size_t i = 1; i < cut.size(); ++i) {
    EXPECT_EQ(cut[i].enters, cut[i - 1].leaves);
    EXPECT_EQ(graph.value(*cut[i].enters).shape, (Shape{1, 16, 32}));
    EXPECT_TRUE(cut[i - 1].outputs.empty());
  }
  EXPECT_FALSE(cut[5].leaves);
  EXPECT_THAT(cut[5].inputs, ElementsAre(labels));
  EXPECT_EQ(cut[5].outputs, graph.outputs);
  EXPECT_EQ(Tracer::run_in_sequence(graph, {1, 2}), Tracer::run(graph, {1, 2}));
}

TEST(Segments, RepeatWhatDependsOnNoInput) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId hidden = graph.add_constant("hidden", {1, 8}, std::vector<double>(8));
  const ValueId mask = graph.add_node("aten::expand", {hidden}, {8, 8}, "mask");
  const ValueId first = add(graph, linear(graph, x, 8, "first"), mask);
  const ValueId second = add(graph, linear(graph, first, 8, "second"), mask);
  graph.outputs = {second};
  const auto cut = segments(graph);
  ASSERT_EQ(cut.size(), 2U) << "the addition has no weight of its own";
  EXPECT_THAT(paths(graph, cut[0]), ElementsAre("first"));
  EXPECT_THAT(paths(graph, cut[1]), ElementsAre("mask", "second"));
  EXPECT_EQ(Tracer::run_in_sequence(graph, {7}), Tracer::run(graph, {7}));
}

TEST(Segments, AreOneWhereALongSkipLeavesNoPlace) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId start = linear(graph, x, 8, "start");
  const ValueId middle = linear(graph, unary(graph, "aten::relu", start), 8, "middle");
  const ValueId skipped = add(graph, linear(graph, middle, 8, "end"), start);
  graph.outputs = {linear(graph, skipped, 8, "head")};
  const auto cut = segments(graph);
  ASSERT_EQ(cut.size(), 3U);
  EXPECT_THAT(paths(graph, cut[0]), ElementsAre("start"));
  EXPECT_THAT(paths(graph, cut[1]), ElementsAre("middle", "end"));
  EXPECT_THAT(paths(graph, cut[2]), ElementsAre("head"));
  // An input is there for everybody and holds nothing up.
  graph.outputs = {add(graph, graph.outputs[0], x)};
  EXPECT_EQ(segments(graph).size(), 3U);
  // One that is first computed with does.
  Graph held;
  const ValueId y = held.add_input("y", ElementType::real, {8, 8});
  const ValueId negated = unary(held, "aten::neg", y);
  const ValueId a = linear(held, linear(held, negated, 8, "a"), 8, "b");
  held.outputs = {add(held, a, negated)};
  EXPECT_EQ(segments(held).size(), 1U);
}

TEST(Segments, GiveOutputsWhereTheyAreMade) {
  Graph graph;
  const ValueId x = graph.add_input("x", ElementType::real, {8, 8});
  const ValueId first = linear(graph, x, 8, "first");
  const ValueId second = linear(graph, first, 8, "second");
  const ValueId held = graph.add_parameter("held", {3});
  graph.outputs = {second, first, x, held};
  const auto cut = segments(graph);
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_THAT(cut[0].outputs, ElementsAre(first));
  EXPECT_THAT(cut[1].outputs, ElementsAre(second, x, held));
  EXPECT_THAT(cut[1].inputs, ElementsAre(x));
  EXPECT_EQ(Tracer::run_in_sequence(graph, {7}), Tracer::run(graph, {7}));
}

TEST(Segments, OfAGraphWithoutInputsAreOne) {
  Graph graph;
  graph.outputs = {unary(graph, "aten::neg", graph.add_parameter("w", {8, 8}))};
  const auto cut = segments(graph);
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_EQ(cut[0].nodes.size(), 1U);
  EXPECT_EQ(Tracer::run_in_sequence(graph, {}), Tracer::run(graph, {}));
}

/// Nodes that mostly read what was made last, some of several outputs, some with weights.
Graph random_graph(std::mt19937& random) {
  const auto draw = [&](std::size_t below) { return random() % below; };
  Graph graph;
  std::vector<ValueId> made{graph.add_input("x", ElementType::real, {4, 4})};
  const ValueId label = graph.add_input("label", ElementType::real, {4, 4});
  const ValueId table = graph.add_constant("table", {1}, {1});
  std::vector<ValueId> fixed{table, graph.add_node("aten::neg", {table}, {1}, "")};
  for (std::size_t n = 0, count = 3 + draw(20); n < count; ++n) {
    std::vector<Argument> arguments{made.back()};
    if (draw(4) == 0) arguments.emplace_back(made[draw(made.size())]);
    if (draw(3) == 0) arguments.emplace_back(fixed[draw(fixed.size())]);
    if (draw(6) == 0) arguments.emplace_back(label);
    if (draw(2) == 0)
      arguments.emplace_back(graph.add_parameter("w" + std::to_string(draw(6)), {4, 4}));
    made.push_back(graph.add_node("op" + std::to_string(n), arguments, {4, 4}, ""));
    if (draw(8) == 0) made.push_back(graph.add_output({4, 4}));
    if (draw(8) == 0) fixed.push_back(graph.add_node("pack", {fixed.back()}, {1}, ""));
  }
  graph.outputs = {made.back(), made[draw(made.size())], fixed[draw(fixed.size())]};
  return graph;
}

TEST(Segments, RunInSequenceAreTheWhole) {
  std::mt19937 random(7);
  std::size_t several = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const Graph graph = random_graph(random);
    EXPECT_EQ(Tracer::run_in_sequence(graph, {1, 2}), Tracer::run(graph, {1, 2})) << trial;
    const auto cut = segments(graph);
    several += cut.size() > 2 ? 1 : 0;
    // Every node that depends on an input runs once.
    std::map<NodeId, std::size_t> times;
    for (const auto& segment : cut)
      for (const NodeId id : segment.nodes) ++times[id];
    for (const auto& [id, count] : times) {
      const auto& op = graph.node(id).op;
      EXPECT_TRUE(count == 1 || op == "pack" || op == "aten::neg") << op;
    }
  }
  EXPECT_GT(several, 50U) << "too few of the random graphs were cut";
}

}  // namespace
}  // namespace gainsweep::graph

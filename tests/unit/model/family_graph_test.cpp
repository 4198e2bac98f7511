#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "files.hpp"
#include "graph/partition.hpp"
#include "model/decoder.hpp"

/// Graphs of families whose layers differ from Llama's: what is one sub-graph, what is a weight.
/// Their configurations are the seeds of the fuzz target.
namespace gainsweep::model {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

Decoder decoder_of(const std::string& family) {
  const auto file = std::filesystem::path(GAINSWEEP_SOURCE_DIR) / "tests/fuzz/model_config/seeds" /
                    (family + ".json");
  return parse_decoder(family, read_file(file), file);
}

graph::Graph graph_of(const Decoder& decoder) {
  auto graph = build(decoder, {.batch = 1, .length = 12, .outputs = {Output::mean_loss}});
  graph::validate(graph);
  return graph;
}

std::vector<std::string> subgraphs(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& subgraph : graph::partition(graph, {}, 2).subgraphs)
    names.push_back(subgraph.name);
  return names;
}

std::vector<std::string> of_two_layers(const std::vector<std::string>& layer,
                                       std::vector<std::string> before = {},
                                       const std::vector<std::string>& behind = {"lm_head"}) {
  for (const char* number : {"layers.0.", "layers.1."})
    for (const auto& name : layer) before.push_back(number + name);
  before.insert(before.end(), behind.begin(), behind.end());
  return before;
}

TEST(FamilyGraph, GatedLayersHaveTheSubgraphsOfALlama) {
  for (const char* family : {"gemma", "gemma2", "gemma3_text", "granite", "olmo2", "phi3"}) {
    SCOPED_TRACE(family);
    EXPECT_EQ(
        subgraphs(graph_of(decoder_of(family))),
        of_two_layers({"attention.{q,k,v,qk,av}", "attention.o", "mlp.{gate,up}", "mlp.down"}));
  }
}

TEST(FamilyGraph, LayersWithoutGatesAreInSequence) {
  const std::vector<std::string> layer{"attention.{q,k,v,qk,av}", "attention.o", "mlp.up",
                                       "mlp.down"};
  EXPECT_EQ(subgraphs(graph_of(decoder_of("gpt2"))), of_two_layers(layer));
  EXPECT_EQ(subgraphs(graph_of(decoder_of("opt"))),
            of_two_layers(layer, {"project_in"}, {"project_out", "lm_head"}));
}

// The products of attention are found through soft caps, norms and rotations of parts.
TEST(FamilyGraph, OperandsOfAttentionAreNamed) {
  for (const char* family :
       {"gemma", "gemma2", "gemma3_text", "granite", "olmo2", "phi3", "gpt2", "opt"}) {
    SCOPED_TRACE(family);
    std::map<std::string, std::string> operands;
    for (const auto& op : graph::quantizable_ops(graph_of(decoder_of(family))))
      operands[op.path] = op.operands.at(0).name + " " + op.operands.at(1).name;
    EXPECT_EQ(operands.at("layers.1.attention.qk"), "query key");
    EXPECT_EQ(operands.at("layers.1.attention.av"), "weights value");
    EXPECT_EQ(operands.at("layers.1.attention.q"), "input weight");
  }
}

/// Elements of the matrices that a graph reads, but for those that are looked up in.
std::int64_t matrix_elements(const graph::Graph& graph, const std::set<std::string>& tables) {
  std::int64_t sum = 0;
  for (const auto& value : graph.values)
    if (value.kind == graph::ValueKind::parameter && value.shape.size() == 2 &&
        !tables.contains(value.name))
      sum += graph::num_elements(value.shape);
  return sum;
}

std::int64_t weight_elements(const graph::Graph& graph) {
  std::int64_t sum = 0;
  for (const auto& op : graph::quantizable_ops(graph)) sum += op.weight_elements;
  return sum;
}

// Parts of a tensor and transposed ones are weights: each element is counted once.
TEST(FamilyGraph, ComputedWeightsAreCountedOnce) {
  const std::map<std::string, std::set<std::string>> tables{
      {"phi3", {"model.embed_tokens.weight"}},
      {"gpt2", {"transformer.wpe.weight"}},
      {"opt", {"model.decoder.embed_positions.weight"}},
      {"gemma2", {}},
      {"granite", {}}};
  for (const auto& [family, looked_up] : tables) {
    SCOPED_TRACE(family);
    const auto graph = graph_of(decoder_of(family));
    EXPECT_EQ(weight_elements(graph), matrix_elements(graph, looked_up));
  }
}

TEST(FamilyGraph, OnlyTheHeadOfATiedModelKeepsItsHighCopy) {
  const auto shared = [](const std::string& family) {
    std::vector<std::string> paths;
    for (const auto& op : graph::quantizable_ops(graph_of(decoder_of(family))))
      if (op.weight_shared) paths.push_back(op.path);
    return paths;
  };
  for (const char* tied : {"gemma2", "gemma3_text", "granite", "gpt2", "opt"})
    EXPECT_THAT(shared(tied), ElementsAre("lm_head")) << tied;
  for (const char* untied : {"phi3", "olmo2"}) EXPECT_THAT(shared(untied), ElementsAre()) << untied;
}

TEST(FamilyGraph, AScaleOfEmbeddingsLeavesTheHeadAsItIs) {
  const auto graph = graph_of(decoder_of("gemma2"));
  for (const auto& op : graph::quantizable_ops(graph)) {
    if (op.path != "lm_head") continue;
    EXPECT_EQ(graph.value(op.operands[1].value).name, "model.embed_tokens.weight");
  }
  const auto scale = std::find_if(graph.values.begin(), graph.values.end(),
                                  [](const auto& value) { return value.name == "embed.scale"; });
  ASSERT_NE(scale, graph.values.end());
  EXPECT_DOUBLE_EQ(scale->elements.at(0), std::sqrt(24.0));
}

TEST(FamilyGraph, Gemma3TurnsLayersWithAWindowInAnotherWay) {
  const auto decoder = decoder_of("gemma3_text");
  EXPECT_THAT(decoder.windows, ElementsAre(5, 0));
  std::set<std::string> tables;
  for (const auto& value : graph_of(decoder).values)
    if (value.name.ends_with(".cos")) tables.insert(value.name);
  EXPECT_THAT(tables, UnorderedElementsAre("rope.query.cos", "rope.key.cos",
                                           "rope.window.query.cos", "rope.window.key.cos"));
}

}  // namespace
}  // namespace gainsweep::model

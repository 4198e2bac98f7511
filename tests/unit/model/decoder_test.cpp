#include "model/decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "files.hpp"
#include "graph/print.hpp"
#include "small_decoder.hpp"

namespace gainsweep::model {
namespace {

using graph::Shape;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Workload with_loss(std::int64_t batch, std::int64_t length) {
  return {batch, length, {Output::mean_loss, Output::class_scores}};
}

const graph::Node& node_of(const graph::Graph& graph, const std::string& op,
                           const std::string& path) {
  for (const auto& node : graph.nodes) {
    if (node.op == op && node.path == path) return node;
  }
  throw std::runtime_error("no " + op + " at " + path);
}

Shape shape_of(const graph::Graph& graph, const graph::Argument& argument) {
  return graph.value(std::get<graph::ValueId>(argument)).shape;
}

/// Whether reading the shapes of a node's values confirms the shape of its output.
void expect_consistent(const graph::Graph& graph, const graph::Node& node) {
  SCOPED_TRACE(node.op + " at " + node.path);
  const auto& out = graph.value(node.outputs.at(0)).shape;
  const auto first = std::get_if<graph::ValueId>(&node.arguments[0])
                         ? shape_of(graph, node.arguments[0])
                         : Shape{};
  if (node.op == "aten::linear") {
    const auto weight = shape_of(graph, node.arguments[1]);
    EXPECT_EQ(weight, (Shape{out.back(), first.back()}));
    if (node.arguments.size() > 2) {
      EXPECT_EQ(shape_of(graph, node.arguments[2]), Shape{out.back()});
    }
  } else if (node.op == "aten::matmul") {
    const auto second = shape_of(graph, node.arguments[1]);
    ASSERT_EQ(first.size(), 4u);
    EXPECT_EQ(first[3], second[2]);
    EXPECT_EQ(out, (Shape{first[0], second[1], first[2], second[3]}));
  } else if (node.op == "aten::reshape") {
    EXPECT_EQ(std::get<Shape>(node.arguments[1]), out);
    EXPECT_EQ(graph::num_elements(first), graph::num_elements(out));
  } else if (node.op == "aten::mul.Tensor" || node.op == "aten::add.Tensor" ||
             node.op == "aten::rms_norm" || node.op == "aten::silu") {
    EXPECT_EQ(first, out);
  } else if (node.op == "aten::transpose.int" || node.op == "aten::permute") {
    EXPECT_EQ(std::multiset(first.begin(), first.end()), std::multiset(out.begin(), out.end()));
  }
}

TEST(Decoder, BuildsValidGraphsOfConsistentShapes) {
  for (const bool with_options : {false, true}) {
    auto decoder = small_decoder();
    decoder.layers = 3;
    if (with_options) {
      decoder.key_value_heads = decoder.heads;
      decoder.head_size = 10;  // 6 heads of 10 do not add up to the hidden size
      decoder.tied = decoder.query_key_value_bias = decoder.attention_output_bias =
          decoder.feed_forward_bias = true;
      decoder.query_key_norm = QueryKeyNorm::heads;
      decoder.windows = {0, 3, 7};
    }
    const auto graph = build(decoder, with_loss(2, 7));
    EXPECT_NO_THROW(graph::validate(graph));
    for (const auto& node : graph.nodes) expect_consistent(graph, node);
  }
}

TEST(Decoder, GivesTheOutputsThatAreAskedFor) {
  using enum Output;
  using Shapes = std::vector<Shape>;
  const auto outputs = [](std::vector<Output> wanted) {
    const auto graph =
        build(small_decoder(), {.batch = 2, .length = 7, .outputs = std::move(wanted)});
    EXPECT_NO_THROW(graph::validate(graph));
    Shapes shapes;
    for (const auto id : graph.outputs) shapes.push_back(graph.value(id).shape);
    std::vector<std::string> inputs;
    for (const auto id : graph.inputs) inputs.push_back(graph.value(id).name);
    return std::pair(inputs, shapes);
  };
  const Shape loss, of_targets{2, 7}, scores{2, 7, 50};
  const std::vector<std::string> tokens{"tokens"}, both{"tokens", "labels"};
  EXPECT_EQ(outputs({}), std::pair(tokens, Shapes{}));
  EXPECT_EQ(outputs({class_scores}), std::pair(tokens, Shapes{scores}));
  EXPECT_EQ(outputs({mean_loss}), std::pair(both, Shapes{loss}));
  EXPECT_EQ(outputs({target_log_likelihoods}), std::pair(both, Shapes{of_targets}));
  EXPECT_EQ(outputs({class_scores, mean_loss, target_log_likelihoods}),
            std::pair(both, Shapes{scores, loss, of_targets}));
}

TEST(Decoder, ReadsWeightsOfTargetsWhereAskedTo) {
  const auto inputs = [](Output output) {
    const auto graph =
        build(small_decoder(), {.batch = 2, .length = 7, .outputs = {output}, .weighted = true});
    EXPECT_NO_THROW(graph::validate(graph));
    std::vector<std::string> names;
    for (const auto id : graph.inputs) names.push_back(graph.value(id).name);
    return names;
  };
  EXPECT_EQ(inputs(Output::mean_loss), (std::vector<std::string>{"tokens", "labels", "weights"}));
  EXPECT_EQ(inputs(Output::class_scores), std::vector<std::string>{"tokens"});
}

TEST(Decoder, OutputsLeaveTheOpsAsTheyAre) {
  const auto paths = [](std::vector<Output> outputs) {
    std::vector<std::string> found;
    const auto graph =
        build(small_decoder(), {.batch = 1, .length = 5, .outputs = std::move(outputs)});
    for (const auto& op : graph::quantizable_ops(graph)) found.push_back(op.path);
    return found;
  };
  EXPECT_EQ(paths({}), paths({Output::mean_loss}));
  EXPECT_EQ(paths({Output::class_scores}), paths({Output::target_log_likelihoods}));
}

/// Windows hide nothing of short sequences: their masks are left out, the ops stay.
TEST(Decoder, HasTheSameOpsAtEveryLength) {
  auto decoder = small_decoder();
  decoder.layers = 3;
  decoder.windows = {0, 4, 8};
  const auto paths = [&](std::int64_t length, bool weighted) {
    std::vector<std::string> found;
    for (const auto& op : graph::quantizable_ops(
             build(decoder, {1, length, {Output::mean_loss, Output::class_scores}, weighted})))
      found.push_back(op.path);
    return found;
  };
  const auto expected = paths(16, false);
  for (const std::int64_t length : {1, 3, 4, 5, 9})
    for (const bool weighted : {false, true}) EXPECT_EQ(paths(length, weighted), expected);
  EXPECT_EQ(expected.size(), 28U);
}

TEST(Decoder, NamesItsQuantizableOps) {
  const auto ops = graph::quantizable_ops(build(small_decoder(), with_loss(1, 5)));
  std::vector<std::string> paths;
  for (const auto& op : ops) paths.push_back(op.path);
  EXPECT_THAT(paths,
              ElementsAre("layers.0.attention.q", "layers.0.attention.k", "layers.0.attention.v",
                          "layers.0.attention.qk", "layers.0.attention.av", "layers.0.attention.o",
                          "layers.0.mlp.gate", "layers.0.mlp.up", "layers.0.mlp.down", "lm_head"));
}

TEST(Decoder, KeysAndValuesAreSingleOperands) {
  const auto graph = build(small_decoder(), with_loss(2, 5));
  const auto& qk = node_of(graph, "aten::matmul", "layers.0.attention.qk");
  EXPECT_EQ(shape_of(graph, qk.arguments[0]), (Shape{2, 2, 15, 4}));
  EXPECT_EQ(shape_of(graph, qk.arguments[1]), (Shape{2, 2, 4, 5}));
  const auto& av = node_of(graph, "aten::matmul", "layers.0.attention.av");
  EXPECT_EQ(shape_of(graph, av.arguments[0]), (Shape{2, 2, 15, 5}));
  EXPECT_EQ(shape_of(graph, av.arguments[1]), (Shape{2, 2, 5, 4}));
}

TEST(Decoder, TiedEmbeddingsAreOneParameter) {
  const auto count = [](bool tied) {
    auto decoder = small_decoder();
    decoder.tied = tied;
    std::set<std::string> names;
    for (const auto& value : build(decoder, with_loss(1, 2)).values) {
      if (value.kind != graph::ValueKind::parameter) continue;
      EXPECT_TRUE(names.insert(value.name).second) << value.name;
    }
    return names;
  };
  EXPECT_TRUE(count(false).contains("lm_head.weight"));
  EXPECT_FALSE(count(true).contains("lm_head.weight"));
  EXPECT_EQ(count(true).size() + 1, count(false).size());
}

TEST(Decoder, ConstantsAreHalfTablesAndOneBlockedNumber) {
  const std::int64_t length = 16;
  std::size_t numbers = 0;
  double first_cos = 0;
  const auto graph = build(small_decoder(), with_loss(1, length));
  for (const auto& value : graph.values) {
    if (value.kind != graph::ValueKind::constant) continue;
    numbers += value.elements.size();
    if (value.name == "rope.query.cos") first_cos += value.elements[0];
    if (value.name == "mask.blocked") {
      EXPECT_EQ(value.elements[0], -INFINITY);
    }
  }
  EXPECT_EQ(numbers, 4u * 16 * 2 + 1);
  EXPECT_DOUBLE_EQ(first_cos, 0.5);  // 1/√4
}

// After a wanted change of the graph: print it, read every changed line, store it.
TEST(Decoder, PrintsAsStored) {
  auto decoder = small_decoder();
  decoder.query_key_value_bias = decoder.attention_output_bias = true;
  const auto graph = build(decoder, with_loss(2, 3));
  EXPECT_EQ(graph::to_text(graph),
            read_file(GAINSWEEP_SOURCE_DIR "/tests/unit/model/one_layer.txt"));
}

TEST(Decoder, LayersOfOneWindowShareAMask) {
  auto decoder = small_decoder();
  decoder.layers = 4;
  decoder.windows = {3, 0, 5, 3};
  const auto masks = [&](std::int64_t length) {
    std::set<std::string> paths;
    const auto graph = build(decoder, {.batch = 1, .length = length});
    for (const auto& node : graph.nodes)
      if (node.op == "aten::tril") paths.insert(node.path);
    return paths;
  };
  EXPECT_THAT(masks(6), ElementsAre("mask.window3", "mask.window5"));
  EXPECT_THAT(masks(5), ElementsAre("mask.window3")) << "5 tokens all see each other";
  EXPECT_THAT(masks(3), ::testing::IsEmpty());
}

TEST(Decoder, RefusesLengthsItCannotRun) {
  EXPECT_THAT(refusal([] { build(small_decoder(), with_loss(1, 17)); }),
              HasSubstr("length 17 tokens exceeds the model's 16"));
  EXPECT_THAT(refusal([] { build(small_decoder(), with_loss(1, 0)); }),
              HasSubstr("must both be at least 1"));
  EXPECT_THAT(refusal([] { build(small_decoder(), with_loss(0, 3)); }),
              HasSubstr("must both be at least 1"));
}

}  // namespace
}  // namespace gainsweep::model

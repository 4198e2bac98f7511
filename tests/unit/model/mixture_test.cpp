#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "files.hpp"
#include "graph/partition.hpp"
#include "model/decoder.hpp"
#include "small_decoder.hpp"

/// Mixtures of experts: what their config.json says, and their graphs. Functions are compared with
/// transformers by tests/unit/execute/transformers_test.py.
namespace gainsweep::model {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string config_text(const std::string& further) {
  return R"({"hidden_size":64,"intermediate_size":172,"num_hidden_layers":3,"vocab_size":512,)"
         R"("num_attention_heads":32)" +
         further + "}";
}

const std::string experts = R"(,"num_local_experts":8,"num_experts_per_tok":2)";
const std::string small_experts = R"(,"moe_intermediate_size":24)" + experts;

TEST(Mixtral, TakesTransformersDefaults) {
  const auto decoder = parse_decoder("mixtral", config_text(experts), "config.json");
  EXPECT_EQ(decoder.family, "mixtral");
  EXPECT_EQ(decoder.key_value_heads, 8);
  EXPECT_EQ(decoder.longest, 131072);
  EXPECT_EQ(decoder.rope.theta, 1e6);
  EXPECT_EQ(decoder.norm_epsilon, 1e-5);
  EXPECT_TRUE(decoder.windows.empty());
  EXPECT_THAT(decoder.mixed, ElementsAre(true, true, true));
  ASSERT_TRUE(decoder.mixture);
  EXPECT_EQ(decoder.mixture->experts, 8);
  EXPECT_EQ(decoder.mixture->chosen, 2);
  EXPECT_EQ(decoder.mixture->intermediate, 172);
  EXPECT_TRUE(decoder.mixture->normalised);
}

TEST(Mixtral, HasAWindowOnlyWhereItIsWritten) {
  const auto windows = [](const std::string& further) {
    return parse_decoder("mixtral", config_text(experts + further), "config.json").windows;
  };
  EXPECT_TRUE(windows(R"(,"sliding_window":null)").empty());
  EXPECT_THAT(windows(R"(,"sliding_window":5)"), Each(5));
}

TEST(Mixtral, SaysNothingOfItsTraining) {
  const auto decoder = parse_decoder(
      "mixtral",
      config_text(experts + R"(,"router_aux_loss_coef":0.02,"router_jitter_noise":0.1,)" +
                  R"("output_router_logits":true)"),
      "config.json");
  EXPECT_THAT(decoder.unread_keys, ElementsAre());
}

TEST(Mixtral, RefusesExpertsThatDoNotFit) {
  const auto refused = [](const std::string& further) {
    return refusal([&] { parse_decoder("mixtral", config_text(further), "config.json"); });
  };
  EXPECT_THAT(refused(""), HasSubstr("num_local_experts"));
  EXPECT_THAT(refused(R"(,"num_local_experts":8)"), HasSubstr("num_experts_per_tok"));
  EXPECT_THAT(refused(R"(,"num_local_experts":0,"num_experts_per_tok":1)"),
              HasSubstr("'num_local_experts' is not a whole number from 1 to 1024"));
  EXPECT_THAT(refused(R"(,"num_local_experts":4,"num_experts_per_tok":5)"),
              HasSubstr("'num_experts_per_tok' is not a whole number from 1 to 4"));
  EXPECT_THAT(refused(experts + R"(,"num_experts":7)"),
              HasSubstr("num_experts and num_local_experts differ"));
  EXPECT_THAT(refusal([] {
                parse_decoder("mixtral",
                              R"({"hidden_size":64,"intermediate_size":172,"vocab_size":512,)"
                              R"("num_hidden_layers":100,"num_attention_heads":32,)"
                              R"("num_local_experts":1000,"num_experts_per_tok":2})",
                              "config.json");
              }),
              HasSubstr("1000 experts in 100 layers are more than 32768 in all"));
}

TEST(Qwen3Moe, TakesTransformersDefaults) {
  const auto decoder = parse_decoder("qwen3_moe", config_text(small_experts), "config.json");
  EXPECT_EQ(decoder.family, "qwen3_moe");
  EXPECT_EQ(decoder.key_value_heads, 4);
  EXPECT_EQ(decoder.head_size, 2);
  EXPECT_EQ(decoder.longest, 32768);
  EXPECT_EQ(decoder.rope.theta, 1e4);
  EXPECT_EQ(decoder.query_key_norm, QueryKeyNorm::heads);
  EXPECT_FALSE(decoder.query_key_value_bias || decoder.attention_output_bias);
  EXPECT_THAT(decoder.mixed, ElementsAre(true, true, true));
  ASSERT_TRUE(decoder.mixture);
  EXPECT_EQ(decoder.intermediate, 172);
  EXPECT_EQ(decoder.mixture->intermediate, 24);
  EXPECT_FALSE(decoder.mixture->normalised);
  EXPECT_THAT(refusal([] { parse_decoder("qwen3_moe", config_text(experts), "config.json"); }),
              HasSubstr("moe_intermediate_size"));
}

TEST(Qwen3Moe, HasMixturesInSomeLayers) {
  const auto decoder = [](const std::string& further) {
    return parse_decoder("qwen3_moe", config_text(small_experts + further), "config.json");
  };
  EXPECT_THAT(decoder(R"(,"decoder_sparse_step":2)").mixed, ElementsAre(false, true, false));
  EXPECT_THAT(decoder(R"(,"mlp_only_layers":[0,2,9])").mixed, ElementsAre(false, true, false));
  EXPECT_THAT(decoder(R"(,"mlp_only_layers":null)").mixed, ElementsAre(true, true, true));
  const auto dense = decoder(R"(,"decoder_sparse_step":4)");
  EXPECT_FALSE(dense.mixture);
  EXPECT_TRUE(dense.mixed.empty());
  EXPECT_TRUE(decoder(R"(,"norm_topk_prob":true)").mixture->normalised);
  EXPECT_THAT(refusal([&] { decoder(R"(,"mlp_only_layers":[-1])"); }),
              HasSubstr("mlp_only_layers is not a list of layers' numbers"));
}

TEST(Qwen3Moe, ItsWindowsAreThoseOfAllLayers) {
  const auto windows = [](const std::string& further) {
    return parse_decoder("qwen3_moe", config_text(small_experts + further), "config.json").windows;
  };
  EXPECT_TRUE(windows(R"(,"sliding_window":5)").empty());
  EXPECT_THAT(windows(R"(,"sliding_window":5,"use_sliding_window":true,"max_window_layers":9)"),
              ElementsAre(5, 5, 5));
  EXPECT_TRUE(windows(R"(,"sliding_window":null,"use_sliding_window":true)").empty());
}

Decoder small_mixture(std::int64_t num_experts, bool fused = false) {
  auto decoder = small_decoder();
  decoder.layers = 2;
  decoder.mixture = Mixture{
      .experts = num_experts, .chosen = 2, .intermediate = 12, .normalised = true, .fused = fused};
  decoder.mixed = {false, true};
  return decoder;
}

graph::Graph graph_of(const Decoder& decoder) {
  return build(decoder, {.batch = 2, .length = 5, .outputs = {Output::mean_loss}});
}

TEST(Mixture, BuildsValidGraphsWhoseRouterIsNoOp) {
  for (const bool fused : {false, true}) {
    const auto graph = graph_of(small_mixture(3, fused));
    EXPECT_NO_THROW(graph::validate(graph));
    std::vector<std::string> paths;
    for (const auto& op : graph::quantizable_ops(graph))
      if (op.path.starts_with("layers.1.mlp")) paths.push_back(op.path.substr(13));
    EXPECT_THAT(paths, ElementsAre("experts.0.gate", "experts.0.up", "experts.0.down",
                                   "experts.1.gate", "experts.1.up", "experts.1.down",
                                   "experts.2.gate", "experts.2.up", "experts.2.down"));
  }
}

TEST(Mixture, CountsTheMacsOfChosenTokensAndTheBytesOfAll) {
  for (const bool fused : {false, true}) {
    for (const auto& op : graph::quantizable_ops(graph_of(small_mixture(4, fused)))) {
      if (op.path.find("experts") == std::string::npos) {
        EXPECT_EQ(op.macs, op.run_macs) << op.path;
        continue;
      }
      EXPECT_EQ(op.run_macs, 2 * 5 * 24 * 12) << op.path;
      EXPECT_EQ(op.macs, 5 * 24 * 12) << op.path;  // two of four experts
      EXPECT_EQ(op.weight_elements, 24 * 12) << op.path;
      EXPECT_FALSE(op.weight_shared) << op.path;
    }
  }
}

/// Of a folder with a made-up config alone.
Model opened(const std::string& family, const std::string& config) {
  TemporaryFolder folder;
  folder.write("config.json",
               R"({"model_type":")" + family + R"(",)" + config_text(config).substr(1));
  return open(folder.path(), Weights::if_there);
}

TEST(Mixture, ItsTiesMakeALayerFeasible) {
  const auto model = opened("mixtral", R"(,"num_local_experts":40,"num_experts_per_tok":2)");
  const auto graph = model.build({.batch = 1, .length = 4, .outputs = {Output::mean_loss}});
  EXPECT_ANY_THROW(graph::partition(graph, {}, 4));
  const auto found = graph::partition(graph, {.tie = model.ties}, 4);
  const auto layer = std::ranges::find_if(found.subgraphs, [](const auto& subgraph) {
    return subgraph.name.find("experts") != std::string::npos;
  });
  ASSERT_NE(layer, found.subgraphs.end());
  EXPECT_EQ(layer->ops.size(), 120u);
  ASSERT_EQ(layer->ties.size(), 2u);
  EXPECT_EQ(layer->ties[0].size(), 80u);
  for (const auto place : layer->ties[0])
    EXPECT_FALSE(found.ops[layer->ops[place].index].path.ends_with("down"));
  EXPECT_EQ(found.classes[layer->cls.index].size(), 3u) << "layers are alike";
}

TEST(Mixture, SaysHowItIsComputedAndTied) {
  const auto mixture = opened("qwen3_moe", small_experts);
  std::vector<std::string> lines;
  for (const auto& note : mixture.notes) lines.push_back(to_line(note));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("gains in macs count 2 of 8 experts")));
  EXPECT_THAT(lines, ::testing::Contains(AllOf(HasSubstr("where partition.tie says nothing"),
                                               HasSubstr("'layers.*.mlp.experts.*.down'"))));
  const auto dense = opened("qwen3_moe", small_experts + R"(,"mlp_only_layers":[0,1,2])");
  EXPECT_TRUE(dense.ties.empty());
}

std::set<std::string> parameters(const Model& model) {
  std::set<std::string> names;
  for (const auto& value : model.build({.batch = 1, .length = 1}).values)
    if (value.kind == graph::ValueKind::parameter) names.insert(value.name);
  return names;
}

TEST(Mixture, NamesParametersAsCheckpointsDo) {
  const auto mixtral = parameters(opened("mixtral", experts));
  const std::string layer = "model.layers.1.";
  for (const char* name : {"gate", "experts.7.w1", "experts.7.w2", "experts.7.w3"})
    EXPECT_TRUE(mixtral.contains(layer + "block_sparse_moe." + name + ".weight")) << name;
  const auto qwen = parameters(opened("qwen3_moe", small_experts));
  for (const char* name :
       {"gate", "experts.7.gate_proj", "experts.7.up_proj", "experts.7.down_proj"})
    EXPECT_TRUE(qwen.contains(layer + "mlp." + name + ".weight")) << name;
}

}  // namespace
}  // namespace gainsweep::model

#include <gtest/gtest.h>

#include <fstream>

#include "devices.hpp"
#include "model/model.hpp"
#include "roofline/seconds.hpp"

/// Times that Intel published for Gaudi 2 (fp8, batch 1, one card, software 1.18, "low latency").
namespace gainsweep::roofline {
namespace {

struct Published {
  const char* config;
  std::int64_t tokens;
  double milliseconds;
};

constexpr const char* llama_2_7b =
    R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
        "vocab_size": 32000, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": false})";
constexpr const char* llama_3_1_8b =
    R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "vocab_size": 128256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0, "tie_word_embeddings": false})";

model::Model open_config(const char* text) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "published";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << text;
  return model::open(folder, model::Weights::if_there);
}

// Everything but the head in fp8; the head gives the next token's scores alone, as the runs did.
double first_token_seconds(const model::Model& model, std::int64_t tokens, Fusion fusion) {
  const auto gaudi = testing::shipped("gaudi2");
  const std::vector<format::Format> formats{format::by_name("bf16"),
                                            format::by_name("fp8_e4m3_gaudi2")};
  const auto graph = model.build({1, tokens, {model::Output::class_scores}});
  const auto partition = graph::partition(graph, {}, formats.size());
  const Run run{gaudi, graph, partition.ops, formats};
  double seconds = run_seconds(run, fusion);
  for (const auto& subgraph : partition.subgraphs) {
    graph::Configuration high(subgraph.ops.size()), low(subgraph.ops.size(), FormatId{1});
    const bool is_head = partition.ops[subgraph.ops.front().index].path == "lm_head";
    seconds -= subgraph_seconds(run, fusion, subgraph, high);
    if (!is_head) seconds += subgraph_seconds(run, fusion, subgraph, low);
  }
  const auto single = model.build({1, 1, {model::Output::class_scores}});
  const auto ops = graph::quantizable_ops(single);
  return seconds + op_seconds({gaudi, single, ops, formats}, fusion, {ops.size() - 1}, high_format);
}

TEST(Published, TimesOfGaudi2LieBetweenTheTwoFusions) {
  const Published table[] = {{llama_2_7b, 128, 7.62},
                             {llama_2_7b, 2048, 56.31},
                             {llama_3_1_8b, 128, 8.17},
                             {llama_3_1_8b, 2048, 60.52}};
  for (const auto& [config, tokens, milliseconds] : table) {
    const auto model = open_config(config);
    const double graph = 1e3 * first_token_seconds(model, tokens, Fusion::graph);
    const double none = 1e3 * first_token_seconds(model, tokens, Fusion::none);
    RecordProperty("ms_" + std::to_string(milliseconds),
                   std::to_string(graph) + " " + std::to_string(none));
    EXPECT_LT(graph, milliseconds) << tokens;
    EXPECT_GT(none, milliseconds) << tokens;
    // An interval that holds everything would say nothing.
    EXPECT_LT(none, 2.5 * graph) << tokens;
  }
}

}  // namespace
}  // namespace gainsweep::roofline

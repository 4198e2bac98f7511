#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "digest/digest.hpp"
#include "files.hpp"
#include "model/cache.hpp"
#include "model/model.hpp"
#include "unit/throws.hpp"

namespace gainsweep::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* config_text =
    R"({"model_type":"llama","hidden_size":4,"intermediate_size":6,"num_hidden_layers":1,)"
    R"("num_attention_heads":2,"num_key_value_heads":1,"vocab_size":5,"max_position_embeddings":8,)"
    R"("tie_word_embeddings":true})";

/// The weights that config_text asks for, one of them replaced by another description, or left out.
std::string weights(const std::string& changed = "", const std::string& dtype = "F32",
                    std::vector<std::int64_t> shape = {}) {
  const std::string layer = "model.layers.0.";
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors{
      {"model.embed_tokens.weight", {5, 4}},
      {layer + "input_layernorm.weight", {4}},
      {layer + "self_attn.q_proj.weight", {4, 4}},
      {layer + "self_attn.k_proj.weight", {2, 4}},
      {layer + "self_attn.v_proj.weight", {2, 4}},
      {layer + "self_attn.o_proj.weight", {4, 4}},
      {layer + "post_attention_layernorm.weight", {4}},
      {layer + "mlp.gate_proj.weight", {6, 4}},
      {layer + "mlp.up_proj.weight", {6, 4}},
      {layer + "mlp.down_proj.weight", {4, 6}},
      {"model.norm.weight", {4}}};
  std::string header;
  std::int64_t end = 0;
  for (auto& [name, size] : tensors) {
    const bool change = name == changed;
    if (change && shape.empty()) continue;
    if (change) size = shape;
    const std::string type = change ? dtype : "F32";
    std::string text;
    const std::int64_t begin = end;
    std::int64_t bytes = type == "F32" || type == "I32" ? 4 : 2;
    for (const auto dimension : size) {
      if (!text.empty()) text += ",";
      text += std::to_string(dimension);
      bytes *= dimension;
    }
    end += bytes;
    header += (header.empty() ? "{\"" : ",\"") + name + R"(":{"dtype":")" + type +
              R"(","shape":[)" + text + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
              std::to_string(end) + "]}";
  }
  return safetensors(header + "}", static_cast<std::size_t>(end));
}

std::string config(const std::string& type, int layers, const std::string& further) {
  return R"({"model_type":")" + type + R"(","hidden_size":8,"intermediate_size":6,)" +
         R"("num_attention_heads":4,"num_key_value_heads":2,"head_dim":6,"vocab_size":5,)" +
         R"("max_position_embeddings":64,"num_hidden_layers":)" + std::to_string(layers) + further +
         "}";
}

constexpr const char* key_weight = "model.layers.0.self_attn.k_proj.weight";

TEST(Model, OpensConfigurationAndWeights) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  folder.write("model.safetensors", weights());
  const auto model = open(folder.path());
  EXPECT_EQ(model.name, "llama");
  EXPECT_EQ(model.parameters->tensors().size(), 11u);
  EXPECT_EQ(model.inputs.size(), 6u);
  for (const char* name : {"tokens", "labels", "weights"}) {
    ASSERT_NE(model.input(name), nullptr);
    const auto& input = *model.input(name);
    const bool are_weights = input.name == "weights";
    EXPECT_EQ(input.shape, (graph::Shape{batch_size, sequence_length}));
    EXPECT_EQ(input.type, are_weights ? graph::ElementType::fp32 : graph::ElementType::index);
    EXPECT_EQ(input.bound, are_weights ? 0 : 5);
    EXPECT_EQ(model.input(input.name), &input);
  }
  EXPECT_EQ(model.input("image"), nullptr);
  folder.write("model.safetensors", weights(key_weight, "BF16", {2, 4}));
  EXPECT_NO_THROW(open(folder.path())) << "element types may differ";
}

TEST(Model, RefusesWeightsThatDoNotFitTheConfiguration) {
  const TemporaryFolder folder;
  const auto message = [&] { return refusal([&] { open(folder.path()); }); };
  folder.write("model.safetensors", weights());
  EXPECT_THAT(message(), HasSubstr("config.json cannot be read"));
  folder.write("config.json", config_text);
  folder.write("model.safetensors", weights(key_weight));
  EXPECT_THAT(message(), AllOf(HasSubstr("no tensor 'model.layers.0.self_attn.k_proj.weight'"),
                               HasSubstr("the nearest is")));
  folder.write("model.safetensors", weights(key_weight, "F32", {4, 2}));
  EXPECT_THAT(message(), AllOf(HasSubstr("model.safetensors: tensor '" + std::string(key_weight)),
                               HasSubstr("has shape [4, 2], but the model needs [2, 4]")));
  folder.write("model.safetensors", weights(key_weight, "I32", {2, 4}));
  EXPECT_THAT(message(), HasSubstr("holds integers"));
}

TEST(Model, RefusesFamiliesThatAreNotKnown) {
  const auto message = [](const std::string& config) {
    return refusal([&] { reader_of(config, "a/config.json"); });
  };
  EXPECT_THAT(message(R"({"model_type":"bert"})"),
              HasSubstr("a/config.json: model_type 'bert' is not supported (known: 'gemma'"));
  EXPECT_THAT(message("{}"), HasSubstr("no model_type, which names the family (known: 'gemma'"));
  EXPECT_THAT(message(R"({"model_type":3})"), HasSubstr("key 'model_type' is not a text"));
  EXPECT_THAT(message("[]"), HasSubstr("not a JSON object"));
  EXPECT_EQ(reader_of(R"({"model_type":"llama"})", "a/config.json").name, "llama");
}

TEST(Model, SaysWhatItsLayersKeepOfATokenWhileTheyGenerate) {
  const auto found = [](const std::string& text) {
    const TemporaryFolder folder;
    folder.write("config.json", text);
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (const auto& cache : caches(folder.path())) all.emplace_back(cache.elements, cache.window);
    return all;
  };
  using All = std::vector<std::pair<std::int64_t, std::int64_t>>;
  // Keys and values of two heads of six numbers.
  EXPECT_EQ(found(config("qwen3", 2, "")), (All{{24, 0}, {24, 0}}));
  EXPECT_EQ(found(config("mistral", 1, R"(,"sliding_window":16)")), (All{{24, 16}}));
  EXPECT_EQ(found(config("qwen3", 2,
                         R"(,"use_sliding_window":true,"sliding_window":8,"max_window_layers":1)")),
            (All{{24, 0}, {24, 8}}));
}

TEST(Model, OpensAConfigurationAloneWhereThatIsEnough) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  EXPECT_THAT(refusal([&] { open(folder.path()); }), HasSubstr("no weights"));
  const auto model = open(folder.path(), Weights::if_there);
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_THAT(to_line(model.notes[0]), HasSubstr("has no weights"));
  EXPECT_EQ(model.parameters->tensors().size(), 11u);
  const auto& key = model.parameters->tensor(key_weight);
  EXPECT_EQ(key.shape, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(key.bytes.size(), 2u * 4 * sizeof(float));
  EXPECT_TRUE(std::ranges::all_of(key.bytes, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(model.digested.size(), 1u) << "config.json";
  folder.write("pytorch_model.bin", "x");
  EXPECT_THAT(refusal([&] { open(folder.path(), Weights::if_there); }),
              HasSubstr("only pytorch_model.bin"));
  folder.write("model.safetensors", weights(key_weight));
  EXPECT_THAT(refusal([&] { open(folder.path(), Weights::if_there); }),
              HasSubstr("no tensor '" + std::string(key_weight)))
      << "weights that are there are checked";
}

TEST(Model, TakesTheSameBytesAsItsTensors) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  const auto blank = open(folder.path(), Weights::if_there);
  folder.write("model.safetensors", weights());
  EXPECT_EQ(open(folder.path()).parameters->bytes(), blank.parameters->bytes());
}

TEST(Model, SaysThatThereIsNoFolder) {
  EXPECT_THAT(refusal([] { open("absent"); }), HasSubstr("absent: no such folder"));
}

TEST(Model, MayNameParametersUnlikeItsCheckpoint) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  folder.write("model.safetensors", weights());
  auto model = open(folder.path());
  graph::Graph graph;
  graph.add_parameter("k", {2, 4});
  EXPECT_THAT(refusal([&] { check(graph, model); }), HasSubstr("no tensor 'k'"));
  model.checkpoint_name = [](const std::string&) { return std::string(key_weight); };
  EXPECT_NO_THROW(check(graph, model));
}

std::string digest_of(const TemporaryFolder& folder) {
  const auto model = open(folder.path());
  std::map<std::filesystem::path, std::string> files;
  for (const auto& file : model.digested) files[file] = digest::of_file(file);
  return digest(model, files);
}

TEST(Model, DigestCoversConfigurationAndWeightsOnly) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  folder.write("model.safetensors", weights());
  const auto first = digest_of(folder);
  EXPECT_EQ(first.size(), 64u);
  folder.write("README.md", "unrelated");
  EXPECT_EQ(digest_of(folder), first);
  folder.write("config.json", std::string(config_text) + "\n");
  EXPECT_NE(digest_of(folder), first);
  folder.write("config.json", config_text);
  std::string other = weights();
  other.back() ^= 1;
  folder.write("model.safetensors", other);
  EXPECT_NE(digest_of(folder), first);
}

TEST(Model, DigestNeedsThoseOfAllFiles) {
  const TemporaryFolder folder;
  folder.write("config.json", config_text);
  folder.write("model.safetensors", weights());
  const auto model = open(folder.path());
  EXPECT_ERROR(digest(model, {{folder.path() / "config.json", "x"}}), ErrorKind::internal,
               "digest");
}

TEST(Model, OpensTrainedModels) {
  for (const auto& [name, vocabulary, length] :
       {std::tuple("stories260K", 512, 512), std::tuple("babyllama105", 105, 256)}) {
    const auto folder = development_model(name);
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no development data at " << folder;
    const auto model = open(folder);
    EXPECT_EQ(model.input("tokens")->bound, vocabulary);
    EXPECT_FALSE(model.parameters->contains("lm_head.weight"));
    const auto graph = model.build({.batch = 1, .length = length, .outputs = {Output::mean_loss}});
    EXPECT_THROW(model.build({.batch = 1, .length = length + 1}), Error);
    EXPECT_NO_THROW(graph::validate(graph));
    EXPECT_NO_THROW(check(graph, model));
    EXPECT_EQ(graph::quantizable_ops(graph).size(), 9u * 5 + 1);
  }
}

}  // namespace
}  // namespace gainsweep::model

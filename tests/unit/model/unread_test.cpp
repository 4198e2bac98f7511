#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "files.hpp"
#include "model/model.hpp"

/// Tensors that the graph does not read, and the two names of a tied matrix.
namespace gainsweep::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* embedding = "model.embed_tokens.weight";
constexpr const char* head = "lm_head.weight";
constexpr std::int64_t vocabulary = 5;
constexpr std::int64_t hidden = 4;

/// A stored matrix or vector, all of whose bytes are one.
struct Stored {
  std::string name;
  std::vector<std::int64_t> shape;
  char byte = 1;
  std::string dtype = "F32";
};

std::vector<Stored> layer_tensors() {
  const std::string layer = "model.layers.0.";
  return {{layer + "input_layernorm.weight", {hidden}},
          {layer + "self_attn.q_proj.weight", {hidden, hidden}},
          {layer + "self_attn.k_proj.weight", {2, hidden}},
          {layer + "self_attn.v_proj.weight", {2, hidden}},
          {layer + "self_attn.o_proj.weight", {hidden, hidden}},
          {layer + "post_attention_layernorm.weight", {hidden}},
          {layer + "mlp.gate_proj.weight", {6, hidden}},
          {layer + "mlp.up_proj.weight", {6, hidden}},
          {layer + "mlp.down_proj.weight", {hidden, 6}},
          {"model.norm.weight", {hidden}}};
}

class Unread : public ::testing::Test {
 protected:
  /// A model of one layer with further tensors; `bare`: its names without their base.
  Model opened(bool tied, const std::vector<Stored>& further, bool bare = false) {
    folder_.write("config.json",
                  std::string(R"({"model_type":"llama","hidden_size":4,"intermediate_size":6,)") +
                      R"("num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,)" +
                      R"("vocab_size":5,"max_position_embeddings":8,"tie_word_embeddings":)" +
                      (tied ? "true}" : "false}"));
    auto tensors = layer_tensors();
    if (bare)
      for (auto& tensor : tensors) tensor.name = tensor.name.substr(std::string("model.").size());
    tensors.insert(tensors.end(), further.begin(), further.end());
    std::string header, data;
    for (const auto& tensor : tensors) {
      std::string shape;
      std::size_t bytes = 4;
      for (const auto size : tensor.shape) {
        shape += (shape.empty() ? "" : ",") + std::to_string(size);
        bytes *= static_cast<std::size_t>(size);
      }
      header += (header.empty() ? "{\"" : ",\"") + tensor.name + R"(":{"dtype":")" + tensor.dtype +
                R"(","shape":[)" + shape + R"(],"data_offsets":[)" + std::to_string(data.size()) +
                "," + std::to_string(data.size() + bytes) + "]}";
      data += std::string(bytes, tensor.byte);
    }
    folder_.write("model.safetensors", safetensors(header + "}", 0) + data);
    return open(folder_.path());
  }

  std::string refused(const Stored& further) {
    return refusal([&] { opened(true, {{embedding, {vocabulary, hidden}}, further}); });
  }

  TemporaryFolder folder_;
};

std::vector<std::string> lines(const Model& model) {
  std::vector<std::string> lines;
  for (const auto& note : model.notes) lines.push_back(to_line(note));
  return lines;
}

bool reads_head(const Model& model) {
  const auto graph = model.build({.batch = 1, .length = 1});
  return std::ranges::any_of(graph.values, [&](const auto& value) { return value.name == head; });
}

TEST_F(Unread, ATiedMatrixMayHaveEitherName) {
  const auto model = opened(true, {{head, {vocabulary, hidden}}});
  EXPECT_EQ(model.checkpoint_name(embedding), head);
  EXPECT_EQ(model.checkpoint_name("model.norm.weight"), "model.norm.weight");
  EXPECT_FALSE(reads_head(model));
  EXPECT_THAT(model.notes, IsEmpty());
  const auto usual = opened(true, {{embedding, {vocabulary, hidden}}});
  EXPECT_EQ(usual.checkpoint_name(embedding), embedding);
  EXPECT_THAT(usual.notes, IsEmpty());
}

TEST_F(Unread, ATiedMatrixStoredTwiceIsComparedWithItsTwin) {
  const Stored table{embedding, {vocabulary, hidden}};
  const auto equal = opened(true, {table, {head, {vocabulary, hidden}}});
  EXPECT_FALSE(reads_head(equal));
  EXPECT_THAT(equal.notes, IsEmpty());
  const auto different = opened(true, {table, {head, {vocabulary, hidden}, 2}});
  EXPECT_TRUE(reads_head(different));
  EXPECT_THAT(lines(different),
              ElementsAre("config.json ties the head to the embedding, but 'lm_head.weight' and "
                          "'model.embed_tokens.weight' differ: each is used as it is stored"));
}

/// A checkpoint of the decoder alone has no "model." before its names.
TEST_F(Unread, ADecoderWithoutItsHeadLacksTheBaseOfNames) {
  const auto model = opened(true, {{"embed_tokens.weight", {vocabulary, hidden}}}, true);
  EXPECT_EQ(model.checkpoint_name(embedding), "embed_tokens.weight");
  EXPECT_EQ(model.checkpoint_name("model.norm.weight"), "norm.weight");
  EXPECT_THAT(model.notes, IsEmpty());
  EXPECT_THAT(refusal([&] {
                opened(true,
                       {{"embed_tokens.weight", {vocabulary, hidden}},
                        {"layers.1.mlp.up_proj.weight", {6, 4}}},
                       true);
              }),
              HasSubstr("tensor 'layers.1.mlp.up_proj.weight' is of a layer that config.json does "
                        "not have"));
}

TEST_F(Unread, AModelThatIsNotTiedNeedsBoth) {
  EXPECT_THAT(refusal([&] {
                opened(false, {{embedding, {vocabulary, hidden}}});
              }),
              HasSubstr("no tensor 'lm_head.weight'"));
}

TEST_F(Unread, WhatChangesTheFunctionIsRefused) {
  const std::string layer = "model.layers.0.";
  const std::pair<Stored, const char*> cases[] = {
      {{layer + "self_attn.q_proj.bias", {4}}, "Set 'attention_bias': true"},
      {{layer + "mlp.up_proj.bias", {6}}, "Set 'mlp_bias': true"},
      {{"lm_head.bias", {5}}, "A model with it is not supported"},
      {{"model.layers.1.mlp.up_proj.weight", {6, 4}}, "num_hidden_layers is 1"},
      {{layer + "self_attn.q_norm.weight", {2}}, "a llama has nothing that reads it"},
      {{"model.embed_positions.weight", {8, 4}}, "a llama has nothing that reads it"},
  };
  for (const auto& [further, message] : cases) {
    SCOPED_TRACE(further.name);
    EXPECT_THAT(refused(further),
                ::testing::AllOf(HasSubstr("model.safetensors: tensor '" + further.name + "'"),
                                 HasSubstr(message)));
  }
}

TEST_F(Unread, WhatDoesNotIsListedOnce) {
  const auto model = opened(true, {{embedding, {vocabulary, hidden}},
                                   {"model.layers.0.self_attn.q_proj.bias", {4}, 0},
                                   {"model.layers.0.self_attn.rotary_emb.inv_freq", {1}},
                                   {"score.weight", {2, 4}},
                                   {"statistics", {3}, 1, "F8_E4M3"}});
  EXPECT_THAT(lines(model),
              ElementsAre("3 tensors are stored that the model does not read: "
                          "'model.layers.0.self_attn.q_proj.bias', 'score.weight', 'statistics'"));
}

TEST_F(Unread, NotesNameAllAndLinesTheFirst) {
  std::vector<Stored> further{{embedding, {vocabulary, hidden}}};
  for (int i = 0; i < 7; ++i) further.push_back({"statistics." + std::to_string(i), {2}});
  const auto model = opened(true, further);
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_EQ(model.notes[0].names.size(), 7u);
  EXPECT_EQ(to_line(model.notes[0]),
            "7 tensors are stored that the model does not read: 'statistics.0', 'statistics.1', "
            "'statistics.2', 'statistics.3', 'statistics.4' and 2 more");
  EXPECT_EQ(to_line({.text = "nothing"}), "nothing");
}

TEST_F(Unread, OnlyTensorsThatAreReadHaveToBeOfAKnownDtype) {
  EXPECT_THAT(refusal([&] {
                opened(true, {{embedding, {vocabulary, hidden}, 1, "F8_E4M3"}});
              }),
              HasSubstr("tensor 'model.embed_tokens.weight' has dtype 'F8_E4M3', but the model"));
}

}  // namespace
}  // namespace gainsweep::model

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "files.hpp"
#include "model/llama.hpp"
#include "model/rope.hpp"

namespace gainsweep::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A config.json of the required keys and further ones, which may replace a required key.
std::string config_text(const std::string& further, const std::string& without = "") {
  const std::pair<std::string, std::string> required[] = {
      {"model_type", "\"llama\""},       {"hidden_size", "64"},        {"intermediate_size", "172"},
      {"num_hidden_layers", "5"},        {"num_attention_heads", "8"}, {"vocab_size", "512"},
      {"max_position_embeddings", "256"}};
  std::string text = "{" + further;
  for (const auto& [key, value] : required) {
    if (key == without || further.find("\"" + key + "\"") != std::string::npos) continue;
    text += (text.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
  }
  return text + "}";
}

Decoder read(const std::string& text) {
  return parse_llama(text, "config.json");
}

TEST(Llama, TakesTransformersDefaults) {
  const auto config = read(config_text(R"("head_dim":null,"rope_scaling":null)"));
  EXPECT_EQ(config.family, "llama");
  EXPECT_EQ(config.hidden, 64);
  EXPECT_EQ(config.key_value_heads, 8);
  EXPECT_EQ(config.head_size, 8);
  EXPECT_EQ(config.longest, 256);
  EXPECT_DOUBLE_EQ(config.norm_epsilon, 1e-6);
  EXPECT_DOUBLE_EQ(config.rope_theta, 10000);
  EXPECT_FALSE(config.rope_scaling);
  EXPECT_FALSE(config.tied);
  EXPECT_FALSE(config.attention_bias);
  EXPECT_FALSE(config.feed_forward_bias);
}

TEST(Llama, ReadsEveryKey) {
  const auto config = read(config_text(
      R"("num_key_value_heads":2,"head_dim":32,"rms_norm_eps":1e-05,"tie_word_embeddings":true,)"
      R"("attention_bias":true,"mlp_bias":true,"torch_dtype":"bfloat16","rope_theta":5e5)"));
  EXPECT_EQ(config.key_value_heads, 2);
  EXPECT_EQ(config.head_size, 32);
  EXPECT_DOUBLE_EQ(config.norm_epsilon, 1e-5);
  EXPECT_DOUBLE_EQ(config.rope_theta, 500000);
  EXPECT_TRUE(config.tied && config.attention_bias && config.feed_forward_bias);
}

TEST(Llama, ReadsRopeInOldAndNewSpelling) {
  const std::string scaling =
      R"("factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4,"original_max_position_embeddings":128)";
  const auto expect_scaled = [](const Decoder& config) {
    EXPECT_DOUBLE_EQ(config.rope_theta, 500000);
    ASSERT_TRUE(config.rope_scaling);
    EXPECT_DOUBLE_EQ(config.rope_scaling->factor, 32);
    EXPECT_DOUBLE_EQ(config.rope_scaling->low_frequency_factor, 1);
    EXPECT_DOUBLE_EQ(config.rope_scaling->high_frequency_factor, 4);
    EXPECT_EQ(config.rope_scaling->original_length, 128);
  };
  expect_scaled(read(
      config_text(R"("rope_theta":500000,"rope_scaling":{"rope_type":"llama3",)" + scaling + "}")));
  expect_scaled(
      read(config_text(R"("rope_theta":500000,"rope_scaling":{"type":"llama3",)" + scaling + "}")));
  expect_scaled(read(config_text(
      R"("dtype":"bfloat16","rope_parameters":{"rope_theta":500000.0,"rope_type":"llama3",)" +
      scaling + "}")));
  EXPECT_FALSE(read(config_text(R"("rope_parameters":{"rope_theta":10.0,"rope_type":"default"})"))
                   .rope_scaling);
}

TEST(Llama, RefusesWhatIsMissing) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "vocab_size", "max_position_embeddings"}) {
    EXPECT_THAT(
        refusal([&] { read(config_text("", key)); }),
        AllOf(HasSubstr("config.json: "), HasSubstr("key '" + std::string(key) + "' is missing")));
  }
}

TEST(Llama, RefusesWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("hidden_act":"gelu")", "hidden_act 'gelu' is not supported"},
      {R"("quantization_config":{"bits":4})", "quantised already"},
      {R"("hidden_size":"64")", "key 'hidden_size' is not a whole number"},
      {R"("hidden_size":64.5)", "key 'hidden_size' is not a whole number"},
      {R"("hidden_size":-64)", "key 'hidden_size' is not a whole number"},
      {R"("hidden_size":18446744073709551615)", "key 'hidden_size' is not a whole number"},
      {R"("num_hidden_layers":0)", "key 'num_hidden_layers' is not a whole number"},
      {R"("num_hidden_layers":1000000000)", "from 1 to 1024"},
      {R"("hidden_size":60)", "hidden_size 60 is not a multiple of 8 num_attention_heads"},
      {R"("hidden_size":4)", "hidden_size 4 is not a multiple"},
      {R"("num_key_value_heads":3)",
       "num_attention_heads 8 is not a multiple of num_key_value_heads 3"},
      {R"("num_key_value_heads":16)", "is not a multiple of num_key_value_heads 16"},
      {R"("head_dim":7)", "head size 7 is odd"},
      {R"("rms_norm_eps":0)", "key 'rms_norm_eps' is not a positive number"},
      {R"("rms_norm_eps":"1e-5")", "key 'rms_norm_eps' is not a positive number"},
      {R"("rms_norm_eps":1e999)", "not valid JSON"},
      {R"("tie_word_embeddings":1)", "key 'tie_word_embeddings' is not true or false"},
      {R"("vocab_size":8,"vocab_size":9)", "key 'vocab_size' is given twice"},
      {R"("rope_theta":-1)", "key 'rope_theta' is not a positive number"},
      {R"("rope_scaling":7)", "rope_scaling: not a JSON object"},
      {R"("rope_scaling":{"rope_type":"yarn","factor":2})",
       "rope_scaling: rope_type 'yarn' is not supported"},
      {R"("rope_scaling":{"rope_type":"llama3"})", "rope_scaling: key 'factor' is missing"},
      {R"("rope_parameters":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4})",
       "rope_parameters: high_freq_factor is not above"},
      {R"("partial_rotary_factor":0.5)", "partial_rotary_factor other than 1"},
  };
  for (const auto& [further, message] : cases) {
    SCOPED_TRACE(further);
    EXPECT_THAT(refusal([&] { read(config_text(further)); }), HasSubstr(message));
  }
  EXPECT_THAT(refusal([] { read("[]"); }), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal([] { read(""); }), HasSubstr("not valid JSON"));
}

TEST(Rope, TurnsPairsByPowersOfTheta) {
  Decoder config;
  config.head_size = 8;
  config.rope_theta = 10000;
  const auto frequencies = rope_frequencies(config);
  ASSERT_EQ(frequencies.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(frequencies[i], std::pow(10.0, -double(i)), 1e-15);
  const auto table = rope_table(config, 3);
  ASSERT_EQ(table.cos.size(), 12u);
  EXPECT_DOUBLE_EQ(table.cos[0], 1);
  EXPECT_DOUBLE_EQ(table.sin[2 * 4 + 1], std::sin(0.2));
}

TEST(Rope, StretchesLongWavelengthsOnly) {
  // Wavelengths 2π·10^i of context 1000: 159, 15.9, 1.59 and 0.159 turns.
  Decoder plain;
  plain.head_size = 8;
  plain.rope_theta = 10000;
  Decoder scaled = plain;
  scaled.rope_scaling = RopeScaling{
      .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_length = 1000};
  const auto before = rope_frequencies(plain);
  const auto after = rope_frequencies(scaled);
  EXPECT_DOUBLE_EQ(after[0], before[0]);
  EXPECT_DOUBLE_EQ(after[1], before[1]);
  const double kept = (1000 * before[2] / (2 * std::acos(-1.0)) - 1) / 3;
  EXPECT_NEAR(after[2], before[2] * (kept + (1 - kept) / 8), 1e-15);
  EXPECT_DOUBLE_EQ(after[3], before[3] / 8);
}

}  // namespace
}  // namespace gainsweep::model

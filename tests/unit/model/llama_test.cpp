#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "files.hpp"
#include "model/decoder.hpp"

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
  return parse_decoder("llama", text, "config.json");
}

TEST(Llama, TakesTransformersDefaults) {
  const auto config = read(config_text(R"("head_dim":null,"rope_scaling":null)"));
  EXPECT_EQ(config.family, "llama");
  EXPECT_EQ(config.hidden, 64);
  EXPECT_EQ(config.key_value_heads, 8);
  EXPECT_EQ(config.head_size, 8);
  EXPECT_EQ(config.longest, 256);
  EXPECT_DOUBLE_EQ(config.norm_epsilon, 1e-6);
  EXPECT_DOUBLE_EQ(config.rope.theta, 10000);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(config.rope.scaling));
  EXPECT_FALSE(config.tied);
  EXPECT_FALSE(config.query_key_value_bias || config.attention_output_bias);
  EXPECT_FALSE(config.feed_forward_bias);
}

TEST(Llama, ReadsEveryKey) {
  const auto config = read(config_text(
      R"("num_key_value_heads":2,"head_dim":32,"rms_norm_eps":1e-05,"tie_word_embeddings":true,)"
      R"("attention_bias":true,"mlp_bias":true,"torch_dtype":"bfloat16","rope_theta":5e5)"));
  EXPECT_EQ(config.key_value_heads, 2);
  EXPECT_EQ(config.head_size, 32);
  EXPECT_DOUBLE_EQ(config.norm_epsilon, 1e-5);
  EXPECT_DOUBLE_EQ(config.rope.theta, 500000);
  EXPECT_TRUE(config.tied && config.query_key_value_bias && config.attention_output_bias &&
              config.feed_forward_bias);
}

// What these files say beyond Llama's own, as their makers published them.
TEST(Llama, ReadsWhatIsLlamaUnderOtherNames) {
  const auto smollm2 = read(config_text(
      R"("tie_word_embeddings":true,"is_llama_config":true,"rope_interleaved":false,)"
      R"("rope_theta":100000,"transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16"}})"));
  EXPECT_TRUE(smollm2.tied);
  EXPECT_TRUE(smollm2.unread_keys.empty());
  const auto yi = read(config_text(
      R"("num_key_value_heads":4,"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":5000000.0)"));
  EXPECT_EQ(yi.key_value_heads, 4);
  EXPECT_DOUBLE_EQ(yi.rope.theta, 5e6);
  const auto deepseek_coder =
      read(config_text(R"("pretraining_tp":1,"rope_scaling":{"factor":4.0,"type":"linear"})"));
  EXPECT_DOUBLE_EQ(std::get<LinearRope>(deepseek_coder.rope.scaling).factor, 4);
}

TEST(Llama, ReadsRopeInOldAndNewSpelling) {
  const std::string scaling =
      R"("factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4,"original_max_position_embeddings":128)";
  const auto expect_scaled = [](const Decoder& config) {
    EXPECT_DOUBLE_EQ(config.rope.theta, 500000);
    const auto& llama3 = std::get<Llama3Rope>(config.rope.scaling);
    EXPECT_DOUBLE_EQ(llama3.factor, 32);
    EXPECT_DOUBLE_EQ(llama3.low_frequency_factor, 1);
    EXPECT_DOUBLE_EQ(llama3.high_frequency_factor, 4);
    EXPECT_EQ(llama3.original_length, 128);
    EXPECT_EQ(config.longest, 256) << "max_position_embeddings is the stretched length";
  };
  expect_scaled(read(
      config_text(R"("rope_theta":500000,"rope_scaling":{"rope_type":"llama3",)" + scaling + "}")));
  expect_scaled(
      read(config_text(R"("rope_theta":500000,"rope_scaling":{"type":"llama3",)" + scaling + "}")));
  expect_scaled(read(config_text(
      R"("dtype":"bfloat16","rope_parameters":{"rope_theta":500000.0,"rope_type":"llama3",)" +
      scaling + "}")));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      read(config_text(R"("rope_parameters":{"rope_theta":10.0,"rope_type":"default"})"))
          .rope.scaling));
}

TEST(Llama, TakesTransformersLengthWhereThereIsNone) {
  const auto config = read(config_text("", "max_position_embeddings"));
  EXPECT_EQ(config.longest, 2048);
  ASSERT_EQ(config.remarks.size(), 1u);
  EXPECT_THAT(config.remarks[0], HasSubstr("no max_position_embeddings: 2048 positions are taken"));
  EXPECT_TRUE(read(config_text("")).remarks.empty());
}

TEST(Llama, StretchedModelsTakeLongerSequences) {
  const auto longest = [](const std::string& scaling) {
    return read(config_text(R"("rope_scaling":{)" + scaling + "}")).longest;
  };
  EXPECT_EQ(longest(R"("type":"linear","factor":4)"), 1024);
  EXPECT_EQ(longest(R"("type":"dynamic","factor":2.5)"), 640);
  EXPECT_EQ(longest(R"("type":"yarn","factor":4,"original_max_position_embeddings":256)"), 1024);
  EXPECT_EQ(longest(R"("type":"yarn","factor":4,"original_max_position_embeddings":64)"), 256);
  EXPECT_EQ(longest(R"("type":"linear","factor":1e30)"), Decoder::longest_context);
}

TEST(Llama, LinearRopeOfFactorOneChangesNothing) {
  const auto config = read(config_text(R"("rope_scaling":{"type":"linear","factor":1.0})"));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(config.rope.scaling));
  EXPECT_EQ(config.longest, 256);
}

TEST(Llama, ReadsYarn) {
  const auto yarn = [](const std::string& further) {
    const auto config = read(config_text(R"("rope_scaling":{"rope_type":"yarn")" + further + "}"));
    return std::get<YarnRope>(config.rope.scaling);
  };
  const auto plain = yarn(R"(,"factor":4)");
  EXPECT_DOUBLE_EQ(plain.factor, 4);
  EXPECT_DOUBLE_EQ(plain.beta_fast, 32);
  EXPECT_DOUBLE_EQ(plain.beta_slow, 1);
  EXPECT_DOUBLE_EQ(plain.attention_factor, 0.1 * std::log(4) + 1);
  EXPECT_EQ(plain.original_length, 256);
  EXPECT_TRUE(plain.truncate);
  EXPECT_DOUBLE_EQ(yarn(R"(,"original_max_position_embeddings":32)").factor, 8) << "256 / 32";
  EXPECT_DOUBLE_EQ(yarn(R"(,"factor":0.5)").attention_factor, 1);
  EXPECT_DOUBLE_EQ(
      yarn(R"(,"factor":4,"attention_factor":1.5,"mscale":2,"mscale_all_dim":1)").attention_factor,
      1.5);
  EXPECT_DOUBLE_EQ(yarn(R"(,"factor":4,"mscale":2,"mscale_all_dim":1)").attention_factor,
                   (0.2 * std::log(4) + 1) / (0.1 * std::log(4) + 1));
  EXPECT_DOUBLE_EQ(yarn(R"(,"factor":4,"mscale":2)").attention_factor, 0.1 * std::log(4) + 1)
      << "one alone counts for nothing";
  EXPECT_NEAR(yarn(R"(,"factor":40,"mscale":0.707,"mscale_all_dim":1.3)").attention_factor,
              0.8521510516131852, 1e-12)
      << "of transformers 5.24.0";
  const auto given = yarn(R"(,"factor":4,"beta_fast":16,"beta_slow":0,"truncate":false)");
  EXPECT_DOUBLE_EQ(given.beta_fast, 16);
  EXPECT_DOUBLE_EQ(given.beta_slow, 1) << "0 stands for the recommended number";
  EXPECT_FALSE(given.truncate);
}

TEST(Llama, ListsKeysThatSayNothingToIt) {
  const auto config = read(config_text(
      R"("architectures":["LlamaForCausalLM"],"torch_dtype":"float16","eos_token_id":[1,2],)"
      R"("attention_dropout":0.1,"use_cache":true,"_name_or_path":"a/b","pretraining_tp":2,)"
      R"("residual_multiplier":1.0,"sliding_window":4096,"layer_types":["full_attention"],)"
      R"("use_qk_norm":false,"num_experts":0,"auto_map":{},"custom":null,"trained_by":"us",)"
      R"("rope_scaling":{"rope_type":"default","factor":3})"));
  EXPECT_THAT(config.unread_keys,
              ::testing::ElementsAre("rope_scaling.factor", "layer_types", "num_experts",
                                     "residual_multiplier", "sliding_window", "trained_by"));
}

TEST(Llama, RefusesWhatIsMissing) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "vocab_size"}) {
    EXPECT_THAT(
        refusal([&] { read(config_text("", key)); }),
        AllOf(HasSubstr("config.json: "), HasSubstr("key '" + std::string(key) + "' is missing")));
  }
}

TEST(Llama, RefusesWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("hidden_act":"mish")", "hidden_act 'mish' is not supported (known are 'silu'"},
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
      {R"("rope_scaling":{"rope_type":"axial","factor":2})",
       "rope_scaling: rope_type 'axial' is not supported (known are 'default', 'linear', "
       "'dynamic', 'llama3', 'yarn', 'longrope', 'su'). Choose a model with one of these"},
      {R"("rope_scaling":{"type":"linear"})", "rope_scaling: key 'factor' is missing"},
      {R"("rope_scaling":{"type":"linear","factor":0})", "key 'factor' is not a positive number"},
      {R"("head_dim":2,"rope_scaling":{"type":"dynamic","factor":2})", "needs heads of 4 or more"},
      {R"("rope_scaling":{"type":"yarn","factor":2,"beta_fast":1,"beta_slow":2})",
       "beta_fast is below beta_slow"},
      {R"("rope_scaling":{"type":"yarn","factor":2,"beta_fast":-1})", "'beta_fast' is negative"},
      {R"("rope_scaling":{"type":"yarn","factor":2,"attention_factor":0})",
       "attention_factor is 0, which is not a positive number"},
      {R"("rope_theta":1,"rope_scaling":{"type":"yarn","factor":2})", "a rope_theta above 1"},
      {R"("rope_scaling":{"type":"yarn","factor":2,"truncate":1})", "not true or false"},
      {R"("residual_multiplier":0.22)",
       "key 'residual_multiplier' multiplies values between layers, which a llama here does not"},
      {R"("final_logit_softcapping":30.0)", "'final_logit_softcapping' bounds values"},
      {R"("sliding_window":100)", "'sliding_window' hides distant tokens"},
      {R"("layer_types":["full_attention","sliding_attention"])", "layers kinds of their own"},
      {R"("use_qk_norm":true)", "'use_qk_norm' normalises queries and keys"},
      {R"("num_local_experts":8)", "shares the work among experts"},
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

}  // namespace
}  // namespace gainsweep::model

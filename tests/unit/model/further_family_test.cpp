#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "files.hpp"
#include "model/decoder.hpp"

/// What config.json says in families whose layers differ from Llama's, and what is refused.
namespace gainsweep::model {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Decoder read(const std::string& family, const std::string& further = "") {
  const std::string sizes =
      R"("hidden_size":64,"intermediate_size":172,"num_hidden_layers":3,"vocab_size":512,)"
      R"("num_attention_heads":8)";
  return parse_decoder(family, "{" + sizes + (further.empty() ? "" : "," + further) + "}",
                       "config.json");
}

std::string refused(const std::string& family, const std::string& further) {
  return refusal([&] { read(family, further); });
}

TEST(Gemma, TakesTransformersDefaults) {
  const std::string groups = R"("num_key_value_heads":4)";
  const auto decoder = read("gemma", groups);
  EXPECT_EQ(decoder.head_size, 256);
  EXPECT_TRUE(decoder.tied && decoder.norm_weight_plus_one);
  EXPECT_DOUBLE_EQ(decoder.embedding_scale, 8);
  EXPECT_EQ(decoder.activation, "gelu_pytorch_tanh");
  EXPECT_EQ(read("gemma", groups + R"(,"hidden_act":"gelu")").activation, "gelu_pytorch_tanh");
  EXPECT_TRUE(decoder.windows.empty());
}

TEST(Gemma2, TakesTransformersDefaults) {
  const auto decoder = read("gemma2", R"("num_key_value_heads":4)");
  EXPECT_THAT(decoder.windows, ElementsAre(4096, 0, 4096));
  EXPECT_DOUBLE_EQ(decoder.attention_softcap, 50);
  EXPECT_DOUBLE_EQ(decoder.logits_softcap, 30);
  EXPECT_DOUBLE_EQ(decoder.attention_scale.value(), 1.0 / 16);
  EXPECT_EQ(decoder.names.feed_forward_norms.before, "pre_feedforward_layernorm");
}

TEST(Gemma2, ANullIsNoCap) {
  const auto decoder =
      read("gemma2", R"("attn_logit_softcapping":null,"final_logit_softcapping":null)");
  EXPECT_EQ(decoder.attention_softcap, 0);
  EXPECT_EQ(decoder.logits_softcap, 0);
  EXPECT_THAT(refused("gemma2", R"("attn_logit_softcapping":-1)"),
              HasSubstr("'attn_logit_softcapping' is not a positive number"));
  EXPECT_THAT(refused("gemma2", R"("sliding_window":null)"), HasSubstr("sliding_window is null"));
  EXPECT_THAT(refused("gemma2", R"("use_bidirectional_attention":true)"),
              HasSubstr("lets tokens see those behind them, which a gemma2 here does not"));
}

TEST(Gemma3, HasTwoRotations) {
  const auto decoder = read("gemma3_text", R"("sliding_window_pattern":2)");
  EXPECT_THAT(decoder.windows, ElementsAre(4096, 0, 4096));
  EXPECT_EQ(decoder.query_key_norm, QueryKeyNorm::heads);
  EXPECT_DOUBLE_EQ(decoder.rope.theta, 1e6);
  ASSERT_TRUE(decoder.window_rope);
  EXPECT_DOUBLE_EQ(decoder.window_rope->theta, 1e4);
  const auto stretched =
      read("gemma3_text", R"("rope_scaling":{"rope_type":"linear","factor":8.0})");
  EXPECT_DOUBLE_EQ(std::get<LinearRope>(stretched.rope.scaling).factor, 8);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(stretched.window_rope->scaling));
  EXPECT_EQ(stretched.longest, 131072) << "it is that of the stretched model";
  EXPECT_THAT(refused("gemma3_text", R"("attn_logit_softcapping":50.0)"),
              HasSubstr("bounds values, which a gemma3_text here does not"));
}

TEST(Phi3, SharesTensorsAndTurnsParts) {
  const auto decoder = read("phi3", R"("partial_rotary_factor":0.5)");
  EXPECT_EQ(decoder.names.query, "self_attn.qkv_proj");
  EXPECT_EQ(decoder.names.query, decoder.names.value);
  EXPECT_EQ(decoder.names.gate, decoder.names.up);
  EXPECT_DOUBLE_EQ(decoder.rotated_share, 0.5);
  EXPECT_TRUE(decoder.windows.empty());
  EXPECT_THAT(read("phi3", R"("sliding_window":5)").windows, Each(5));
}

TEST(Phi3, RefusesOtherRotations) {
  EXPECT_THAT(refused("phi3", R"("partial_rotary_factor":0.4)"), HasSubstr("is odd"));
  EXPECT_THAT(refused("phi3", R"("partial_rotary_factor":1.5)"),
              HasSubstr("partial_rotary_factor 1.5 is no part of a head of 8 numbers"));
  EXPECT_THAT(refused("phi3", R"("rope_scaling":{"type":"linear","factor":2.0})"),
              HasSubstr("neither 'default' nor 'longrope'"));
  const std::string original = R"("original_max_position_embeddings":16,)";
  EXPECT_THAT(refused("phi3", R"("rope_scaling":{"type":"longrope"})"),
              HasSubstr("'original_max_position_embeddings' is missing"));
  EXPECT_THAT(
      refused("phi3", original + R"("rope_scaling":{"type":"longrope","short_factor":[1,2,3]})"),
      HasSubstr("'short_factor' is not a list of 4 positive numbers"));
}

TEST(Llama, TurnsWholeHeadsOnly) {
  EXPECT_THAT(refused("llama", R"("partial_rotary_factor":0.5)"),
              HasSubstr("partial_rotary_factor other than 1 is not supported"));
}

TEST(Olmo2, HasNormsBehindItsParts) {
  const auto decoder = read("olmo2");
  EXPECT_EQ(decoder.names.attention_norms.before, "");
  EXPECT_EQ(decoder.names.attention_norms.after, "post_attention_layernorm");
  EXPECT_EQ(decoder.names.feed_forward_norms.after, "post_feedforward_layernorm");
  EXPECT_EQ(decoder.query_key_norm, QueryKeyNorm::all_heads);
  EXPECT_DOUBLE_EQ(decoder.norm_epsilon, 1e-5);
}

TEST(Granite, ScoresAreAsTheyAreWithoutAMultiplier) {
  const auto decoder = read("granite");
  EXPECT_DOUBLE_EQ(decoder.attention_scale.value(), 1);
  EXPECT_DOUBLE_EQ(decoder.embedding_scale * decoder.residual_scale * decoder.logits_divisor, 1);
  EXPECT_THAT(refused("granite", R"("logits_scaling":0)"),
              HasSubstr("'logits_scaling' is not a positive number"));
  EXPECT_THAT(refused("llama", R"("logits_scaling":8.0)"),
              HasSubstr("multiplies values between layers, which a llama here does not"));
}

Decoder gpt2(const std::string& further = "") {
  return parse_decoder("gpt2",
                       R"({"vocab_size":64,"n_embd":24,"n_layer":2,"n_head":4)" + further + "}",
                       "config.json");
}

TEST(Gpt2, TakesTransformersDefaults) {
  const auto decoder = gpt2();
  EXPECT_EQ(decoder.hidden, 24);
  EXPECT_EQ(decoder.intermediate, 96);
  EXPECT_EQ(decoder.longest, 1024);
  EXPECT_EQ(decoder.norm, NormKind::layer);
  EXPECT_TRUE(decoder.tied && decoder.transposed);
  EXPECT_EQ(decoder.activation, "gelu_new");
  EXPECT_EQ(decoder.rotated_share, 0);
  EXPECT_FALSE(decoder.attention_scale);
  EXPECT_DOUBLE_EQ(gpt2(R"(,"scale_attn_weights":false)").attention_scale.value(), 1);
  EXPECT_EQ(gpt2(R"(,"n_inner":50)").intermediate, 50);
}

TEST(Gpt2, RefusesWhatItHasNot) {
  EXPECT_THAT(refusal([] { gpt2(R"(,"activation_function":"tanh")"); }),
              HasSubstr("activation_function 'tanh' is not supported (known are 'silu', 'swish'"));
  EXPECT_THAT(refusal([] { gpt2(R"(,"add_cross_attention":true)"); }),
              HasSubstr("reads another sequence too"));
}

TEST(Opt, TakesTransformersDefaults) {
  const auto decoder = read("opt", R"("ffn_dim":100)");
  EXPECT_EQ(decoder.intermediate, 100);
  EXPECT_EQ(decoder.position_offset, 2);
  EXPECT_EQ(decoder.embedding_size, 64);
  EXPECT_EQ(decoder.names.project_in, "");
  EXPECT_EQ(decoder.names.attention_norms.before, "self_attn_layer_norm");
  EXPECT_EQ(decoder.names.norm, "model.decoder.final_layer_norm");
  EXPECT_TRUE(decoder.tied && decoder.query_key_value_bias && decoder.feed_forward_bias);
}

TEST(Opt, NormsStandBehindWhereTheyAreNotBefore) {
  const auto decoder = read("opt", R"("ffn_dim":100,"do_layer_norm_before":false)");
  EXPECT_EQ(decoder.names.attention_norms.before, "");
  EXPECT_EQ(decoder.names.attention_norms.of_sum, "self_attn_layer_norm");
  EXPECT_EQ(decoder.names.feed_forward_norms.of_sum, "final_layer_norm");
  EXPECT_EQ(decoder.names.norm, "");
  const auto removed = read("opt", R"("ffn_dim":100,"_remove_final_layer_norm":true)");
  EXPECT_EQ(removed.names.norm, "");
  EXPECT_EQ(removed.names.attention_norms.before, "self_attn_layer_norm");
}

}  // namespace
}  // namespace gainsweep::model

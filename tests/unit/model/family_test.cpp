#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.hpp"
#include "model/decoder.hpp"

/// Families beside Llama: what their config.json says. Functions are compared with transformers by
/// tests/unit/execute/transformers_test.py.
namespace gainsweep::model {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string config_text(const std::string& further) {
  return R"({"hidden_size":64,"intermediate_size":172,"num_hidden_layers":3,"vocab_size":512,)"
         R"("num_attention_heads":32)" +
         further + "}";
}

TEST(Mistral, TakesTransformersDefaults) {
  const auto decoder = parse_decoder("mistral", config_text(""), "config.json");
  EXPECT_EQ(decoder.family, "mistral");
  EXPECT_EQ(decoder.key_value_heads, 8);
  EXPECT_EQ(decoder.head_size, 2);
  EXPECT_EQ(decoder.longest, 131072);
  EXPECT_THAT(decoder.windows, ElementsAre(4096, 4096, 4096));
  EXPECT_FALSE(decoder.query_key_value_bias);
}

TEST(Mistral, ANullIsNoWindowAndNoGroups) {
  const auto decoder =
      parse_decoder("mistral", config_text(R"(,"sliding_window":null,"num_key_value_heads":null)"),
                    "config.json");
  EXPECT_TRUE(decoder.windows.empty());
  EXPECT_EQ(decoder.key_value_heads, 32);
  EXPECT_THAT(
      parse_decoder("mistral", config_text(R"(,"sliding_window":5)"), "config.json").windows,
      Each(5));
}

TEST(Qwen2, HasBiasesAndWindowsOnlyWhereAskedFor) {
  const auto windows = [](const std::string& further) {
    return parse_decoder("qwen2", config_text(R"(,"sliding_window":7)" + further), "config.json")
        .windows;
  };
  const auto decoder = parse_decoder("qwen2", config_text(""), "config.json");
  EXPECT_EQ(decoder.family, "qwen2");
  EXPECT_EQ(decoder.longest, 32768);
  EXPECT_TRUE(decoder.query_key_value_bias);
  EXPECT_FALSE(decoder.attention_output_bias);
  EXPECT_THAT(windows(""), Each(0));
  EXPECT_THAT(windows(R"(,"use_sliding_window":true)"), Each(0)) << "from layer 28 on";
  EXPECT_THAT(windows(R"(,"use_sliding_window":true,"max_window_layers":1)"), ElementsAre(0, 7, 7));
  EXPECT_THAT(windows(R"(,"use_sliding_window":true,"max_window_layers":0)"), Each(7));
  const std::string types = R"(,"layer_types":["sliding_attention","full_attention",)";
  EXPECT_THAT(windows(R"(,"use_sliding_window":true)" + types + R"("full_attention"])"),
              ElementsAre(7, 0, 0));
  EXPECT_THAT(refusal([&] { windows(types + R"("full_attention"])"); }),
              HasSubstr("but use_sliding_window is not true"));
  EXPECT_THAT(refusal([&] {
                windows(R"(,"use_sliding_window":true)" + types + R"("chunked_attention"])");
              }),
              HasSubstr("layer_types is not one of"));
  EXPECT_THAT(refusal([&] { windows(R"(,"layer_types":["full_attention"])"); }),
              HasSubstr("for each of 3 layers"));
}

TEST(Qwen3, HasNormsAndHeadsOf128) {
  const auto decoder = parse_decoder("qwen3", config_text(""), "config.json");
  EXPECT_EQ(decoder.family, "qwen3");
  EXPECT_EQ(decoder.head_size, 128);
  EXPECT_EQ(decoder.query_key_norm, QueryKeyNorm::heads);
  EXPECT_FALSE(decoder.query_key_value_bias || decoder.attention_output_bias);
  const auto biased =
      parse_decoder("qwen3", config_text(R"(,"attention_bias":true,"head_dim":16)"), "c");
  EXPECT_TRUE(biased.query_key_value_bias && biased.attention_output_bias);
  EXPECT_EQ(biased.head_size, 16);
}

}  // namespace
}  // namespace gainsweep::model
